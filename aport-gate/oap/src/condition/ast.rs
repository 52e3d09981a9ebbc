//! The tree of a condition, and its printed form.

use std::fmt;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    List(Vec<Expr>),
    Root(Root),
    /// A bound variable, usage counter, context field or external fact.
    Name(String),
    Field(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    /// Two or more operands. Flat, so that a long chain is not a deep tree.
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    IsEmpty {
        negated: bool,
        of: Box<Expr>,
    },
    /// `any(body for variable in list)`, and `.some(variable => body)`.
    Quantified {
        every: bool,
        body: Box<Expr>,
        variable: String,
        list: Box<Expr>,
    },
    Call(Function, Vec<Expr>),
    Method(Box<Expr>, Method, Vec<Expr>),
    /// A path where true or false is wanted, marked when a pack loads. Prints as the path.
    #[cfg(feature = "evaluate")]
    Truth(Box<Expr>, super::truth::Counts),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Context,
    Passport,
    Limits,
    Policy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    Contains,
    StartsWith,
    EndsWith,
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Now,
    ToTimestamp,
    RequiredAssuranceLevel,
    /// `matches_any(text, globs)`
    MatchesAny,
    /// `has(path)`: whether it is there at all. Unlike truthiness it tells a limit of 0 from no limit.
    Has,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Includes,
    StartsWith,
    EndsWith,
    Length,
    Split,
    Replace,
}

impl Root {
    pub(crate) const ALL: [(&'static str, Root); 4] = [
        ("context", Root::Context),
        ("passport", Root::Passport),
        ("limits", Root::Limits),
        ("policy", Root::Policy),
    ];
}

impl Function {
    /// Name, function, fewest and most arguments.
    pub(crate) const ALL: [(&'static str, Function, usize, usize); 5] = [
        ("now", Function::Now, 0, 0),
        ("to_timestamp", Function::ToTimestamp, 1, 1),
        (
            "getRequiredAssuranceLevel",
            Function::RequiredAssuranceLevel,
            1,
            2,
        ),
        ("matches_any", Function::MatchesAny, 2, 2),
        ("has", Function::Has, 1, 1),
    ];
}

impl Method {
    pub(crate) const ALL: [(&'static str, Method, usize); 6] = [
        ("includes", Method::Includes, 1),
        ("startsWith", Method::StartsWith, 1),
        ("endsWith", Method::EndsWith, 1),
        ("length", Method::Length, 0),
        ("split", Method::Split, 1),
        ("replace", Method::Replace, 2),
    ];
}

impl Operator {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }

    #[cfg(feature = "evaluate")]
    pub(crate) fn is_arithmetic(self) -> bool {
        matches!(
            self,
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide
        )
    }
}

impl Expr {
    /// Direct parts, for walks over the tree.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match self {
            Self::List(items) | Self::And(items) | Self::Or(items) | Self::Call(_, items) => {
                items.iter().collect()
            }
            Self::Field(of, _) | Self::Not(of) | Self::Negate(of) | Self::IsEmpty { of, .. } => {
                vec![of]
            }
            Self::Index(a, b) | Self::Binary(_, a, b) => vec![a, b],
            Self::Quantified { body, list, .. } => vec![list, body],
            Self::Method(of, _, arguments) => std::iter::once(&**of).chain(arguments).collect(),
            #[cfg(feature = "evaluate")]
            Self::Truth(of, _) => vec![of],
            _ => Vec::new(),
        }
    }

    /// Levels of nesting, this one included.
    pub(crate) fn depth(&self) -> usize {
        1 + self
            .children()
            .into_iter()
            .map(Expr::depth)
            .max()
            .unwrap_or(0)
    }

    /// Visits this expression and all below it.
    pub(crate) fn walk<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(self);
        self.children()
            .into_iter()
            .for_each(|child| child.walk(visit));
    }

    fn is_operation(&self) -> bool {
        matches!(
            self,
            Self::And(_) | Self::Or(_) | Self::Binary(..) | Self::IsEmpty { .. }
        )
    }
}

/// An operand: in parentheses where it is an operation itself.
struct Operand<'e>(&'e Expr);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_operation() {
            write!(f, "({})", self.0)
        } else {
            self.0.fmt(f)
        }
    }
}

/// What a `.field`, `[index]` or method is applied to.
struct Base<'e>(&'e Expr);

impl fmt::Display for Base<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `1.length` would read as a malformed number, `-a.b` and `!a.b` as the prefix of the whole path.
        let wrap = self.0.is_operation()
            || matches!(
                self.0,
                Expr::Not(_) | Expr::Negate(_) | Expr::Int(_) | Expr::Float(_)
            );
        if wrap {
            write!(f, "({})", self.0)
        } else {
            self.0.fmt(f)
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Str(text) => quote(f, text),
            Self::List(items) => {
                f.write_str("[")?;
                joined(f, items, ", ", |item| item)?;
                f.write_str("]")
            }
            Self::Root(root) => f.write_str(match root {
                Root::Context => "context",
                Root::Passport => "passport",
                Root::Limits => "limits",
                Root::Policy => "policy",
            }),
            #[cfg(feature = "evaluate")]
            Self::Truth(of, _) => of.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Field(of, name) => write!(f, "{}.{name}", Base(of)),
            Self::Index(of, index) => write!(f, "{}[{index}]", Base(of)),
            Self::Not(of) => write!(f, "!{}", Operand(of)),
            Self::Negate(of) => write!(f, "-{}", Operand(of)),
            Self::And(items) => joined(f, items, " && ", Operand),
            Self::Or(items) => joined(f, items, " || ", Operand),
            Self::Binary(operator, a, b) => {
                write!(f, "{} {} {}", Operand(a), operator.symbol(), Operand(b))
            }
            Self::IsEmpty { negated, of } => {
                write!(
                    f,
                    "{} is {}empty",
                    Operand(of),
                    if *negated { "not " } else { "" }
                )
            }
            Self::Quantified {
                every,
                body,
                variable,
                list,
            } => {
                let name = if *every { "every" } else { "some" };
                write!(f, "{}.{name}({variable} => {body})", Base(list))
            }
            Self::Call(function, arguments) => {
                let name = Function::ALL.iter().find(|entry| entry.1 == *function);
                write!(f, "{}(", name.map_or("", |entry| entry.0))?;
                joined(f, arguments, ", ", |argument| argument)?;
                f.write_str(")")
            }
            Self::Method(of, Method::Length, _) => write!(f, "{}.length", Base(of)),
            Self::Method(of, method, arguments) => {
                let name = Method::ALL.iter().find(|entry| entry.1 == *method);
                write!(f, "{}.{}(", Base(of), name.map_or("", |entry| entry.0))?;
                joined(f, arguments, ", ", |argument| argument)?;
                f.write_str(")")
            }
        }
    }
}

fn joined<'e, D: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: &'e [Expr],
    separator: &str,
    wrap: impl Fn(&'e Expr) -> D,
) -> fmt::Result {
    items.iter().enumerate().try_for_each(|(at, item)| {
        let separator = if at == 0 { "" } else { separator };
        write!(f, "{separator}{}", wrap(item))
    })
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("'")?;
    for c in text.chars() {
        if matches!(c, '\'' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("'")
}
