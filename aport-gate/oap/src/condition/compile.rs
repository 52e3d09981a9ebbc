//! From the syntax tree to the form that runs. What a pack can tell beforehand is worked out here, once.

use super::access::{is_limits, limit_run};
use super::ast::{Expr, Function, Method, Operator, Root};
use super::bound::LimitPaths;
use super::fields::FieldNames;
use super::limits::LimitName;
use super::operation::arithmetic;
use super::program::{Node, Program, negate};
use super::value::Val;
use crate::Pack;
use crate::counter::RECENT_KEYS;
use serde_json::Value;

impl Program {
    /// Compiles a condition against the counters of its pack. The context fields and limits that it names get a
    /// position.
    pub(crate) fn new<'p>(
        expr: &'p Expr,
        pack: &'p Pack,
        fields: &'p mut FieldNames,
        limits: &'p mut LimitPaths,
    ) -> Self {
        let mut compiler = Compiler {
            pack,
            fields,
            limits,
            bound: Vec::new(),
        };
        Self(compiler.node(expr))
    }
}

struct Compiler<'p> {
    pack: &'p Pack,
    fields: &'p mut FieldNames,
    limits: &'p mut LimitPaths,
    bound: Vec<&'p str>,
}

impl<'p> Compiler<'p> {
    fn node(&mut self, expr: &'p Expr) -> Node {
        match expr {
            Expr::Null => Node::Plain(Val::Null),
            Expr::Bool(value) => Node::Plain(Val::Bool(*value)),
            Expr::Int(value) => Node::Plain(Val::Int(*value)),
            Expr::Float(value) => Node::Plain(Val::Float(*value)),
            Expr::Str(text) => Node::Text(text.clone()),
            Expr::List(items) => list(self.nodes(items)),
            Expr::Root(Root::Context) => Node::Context,
            Expr::Root(Root::Passport) => Node::Passport(expr.clone()),
            Expr::Root(Root::Limits) => Node::Limits(expr.clone()),
            Expr::Root(Root::Policy) => Node::Policy(expr.clone()),
            Expr::Name(name) => self.name(name, expr),
            Expr::Field(of, name) => self.field(of, name, expr),
            Expr::Index(of, index) => self.index(of, index, expr),
            Expr::Not(of) => match self.node(of) {
                Node::Plain(Val::Bool(value)) => Node::Plain(Val::Bool(!value)),
                of => Node::Not(Box::new(of)),
            },
            Expr::Truth(of, counts) => {
                Node::Truth(Box::new(self.node(of)), *counts, (**of).clone())
            }
            Expr::Negate(of) => self.negate(of, expr),
            Expr::And(items) => Node::And(self.nodes(items)),
            Expr::Or(items) => Node::Or(self.nodes(items)),
            Expr::Binary(operator, a, b) => self.binary(*operator, a, b, expr),
            Expr::IsEmpty { negated, of } => Node::IsEmpty {
                negated: *negated,
                of: Box::new(self.node(of)),
                expr: expr.clone(),
            },
            Expr::Quantified {
                every,
                body,
                variable,
                list,
            } => {
                let list = Box::new(self.node(list));
                self.bound.push(variable);
                let compiled = Box::new(self.node(body));
                self.bound.pop();
                let mut size = 0;
                body.walk(&mut |_| size += 1);
                Node::Quantified {
                    every: *every,
                    body: compiled,
                    size,
                    variable: variable.clone(),
                    list,
                    expr: expr.clone(),
                }
            }
            Expr::Call(function, arguments) => self.call(*function, arguments, expr),
            Expr::Method(of, method, arguments) => self.method(of, *method, arguments, expr),
        }
    }

    fn nodes(&mut self, items: &'p [Expr]) -> Box<[Node]> {
        items.iter().map(|item| self.node(item)).collect()
    }

    fn variable(&self, name: &str) -> Option<usize> {
        self.bound.iter().rev().position(|bound| *bound == name)
    }

    /// The order matters: an agent that passes its own `daily_total` must not answer for the ledger.
    fn name(&mut self, name: &str, expr: &Expr) -> Node {
        if let Some(depth) = self.variable(name) {
            Node::Variable(depth)
        } else if let Some(counter) = self.pack.counter_index(name) {
            Node::Counter(counter, expr.clone())
        } else if name == RECENT_KEYS {
            Node::RecentKeys
        } else {
            Node::ContextField(self.fields.intern(name), expr.clone())
        }
    }

    fn field(&mut self, of: &'p Expr, name: &str, expr: &'p Expr) -> Node {
        match (of, name) {
            (Expr::Root(Root::Passport), "limits") => return Node::Limits(expr.clone()),
            (Expr::Root(Root::Passport), "assurance_level") => return Node::PassportLevel,
            (Expr::Root(Root::Passport), "capabilities") => {
                return Node::Capabilities(expr.clone());
            }
            (Expr::Root(Root::Policy), "min_assurance") => {
                return Node::PackLevel(self.pack.min_assurance());
            }
            (Expr::Root(Root::Context), _) => {
                return Node::ContextField(self.fields.intern(name), expr.clone());
            }
            _ => {}
        }
        let mut run = Vec::new();
        if limit_run(expr, &mut run) {
            let position = self.limits.intern(LimitName::path(&run), expr);
            return Node::Limit(position, expr.clone());
        }
        Node::Member(Box::new(self.node(of)), name.to_owned(), expr.clone())
    }

    fn index(&mut self, of: &'p Expr, index: &'p Expr, expr: &'p Expr) -> Node {
        if let Expr::Name(name) = of
            && self.variable(name).is_none()
            && let Some(counter) = self.pack.counter_index(name)
        {
            return Node::CounterOf(counter, Box::new(self.node(index)), expr.clone());
        }
        Node::Index {
            of_limits: is_limits(of),
            of: Box::new(self.node(of)),
            index: Box::new(self.node(index)),
            expr: expr.clone(),
        }
    }

    fn negate(&mut self, of: &'p Expr, expr: &'p Expr) -> Node {
        let of = self.node(of);
        if let Node::Plain(value @ (Val::Int(_) | Val::Float(_))) = &of
            && let Ok(value) = negate(value.clone(), expr)
        {
            return Node::Plain(value);
        }
        Node::Negate(Box::new(of), expr.clone())
    }

    /// What faults stays as it is: it has to fault when it is reached, and only then.
    fn binary(&mut self, operator: Operator, a: &'p Expr, b: &'p Expr, expr: &'p Expr) -> Node {
        let sides = (self.node(a), self.node(b));
        if operator.is_arithmetic()
            && let (Node::Plain(left), Node::Plain(right)) = &sides
            && let Ok(value) = arithmetic(operator, left, right, expr)
        {
            return Node::Plain(value);
        }
        Node::Binary(operator, Box::new(sides), expr.clone())
    }

    fn call(&mut self, function: Function, arguments: &'p [Expr], expr: &'p Expr) -> Node {
        Node::Call(function, self.nodes(arguments), expr.clone())
    }

    fn method(
        &mut self,
        of: &'p Expr,
        method: Method,
        arguments: &'p [Expr],
        expr: &'p Expr,
    ) -> Node {
        let of = Box::new(self.node(of));
        Node::Method(of, method, self.nodes(arguments), expr.clone())
    }
}

/// A list of constants is one value. Not with numbers that JSON has no form for.
fn list(items: Box<[Node]>) -> Node {
    let constant = |node: &Node| match node {
        Node::Plain(Val::Null) => Some(Value::Null),
        Node::Plain(Val::Bool(value)) => Some(Value::Bool(*value)),
        Node::Plain(Val::Int(value)) => i64::try_from(*value).ok().map(Value::from),
        Node::Text(text) => Some(Value::String(text.clone())),
        _ => None,
    };
    let constants: Option<Vec<Value>> = items.iter().map(constant).collect();
    constants.map_or(Node::List(items), Node::Constants)
}
