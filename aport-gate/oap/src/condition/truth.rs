//! What counts as true where a condition has a path by itself. The languages whose conditions packs mix differ
//! there, and a limit of the wrong type would say something else than was meant: `allow_pii: "false"` is a text that
//! is not empty. So each such path is marked when its pack loads, and what is not plainly true or false either
//! denies or is a policy error.

use super::ast::{Expr, Root};
use super::uses::{Path, Step, Uses};

/// How a path counts that stands where true or false is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) as_what: AsWhat,
    pub(crate) side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsWhat {
    /// A limit that no rule uses in another way: true or false, nothing else.
    Flag,
    /// A limit that rules use as a value, too: the question is whether it is set. A limit of zero is a limit.
    Limit {
        /// Whether the only other use is a comparison with a value that may be true or false itself.
        may_be_flag: bool,
    },
    /// A field of the context, or an item.
    Field {
        /// Whether the condition compares it as a number: then zero is a number like others.
        number: bool,
    },
}

/// Whom it helps when the path counts as true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The call.
    Allow,
    /// The rule.
    Deny,
    /// One or the other: the answer is a value that the condition goes on with.
    Either,
}

/// Walks conditions of one pack.
pub(crate) struct Marker<'m> {
    /// Names that are counters and no fields of the context.
    pub(crate) is_counter: &'m dyn Fn(&str) -> bool,
    /// Whether a field of the context can only be a number.
    pub(crate) is_number: &'m dyn Fn(&str) -> bool,
    pub(super) bound: Vec<(String, Option<Path>)>,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Allow => Self::Deny,
            Self::Deny => Self::Allow,
            Self::Either => Self::Either,
        }
    }
}

impl<'m> Marker<'m> {
    pub(crate) fn new(
        is_counter: &'m dyn Fn(&str) -> bool,
        is_number: &'m dyn Fn(&str) -> bool,
    ) -> Self {
        Self {
            is_counter,
            is_number,
            bound: Vec::new(),
        }
    }

    /// The path that an expression is, if it is one.
    pub(super) fn path(&self, expr: &Expr) -> Option<Path> {
        let step = |of: &Expr, step: Step| {
            let mut path = self.path(of)?;
            path.steps.push(step);
            Some(path)
        };
        match expr {
            Expr::Root(Root::Limits) => Some(Path {
                limits: true,
                steps: Vec::new(),
            }),
            Expr::Root(Root::Context) => Some(Path {
                limits: false,
                steps: Vec::new(),
            }),
            Expr::Field(of, name) if matches!(**of, Expr::Root(Root::Passport)) => {
                (name == "limits").then(|| Path {
                    limits: true,
                    steps: Vec::new(),
                })
            }
            Expr::Field(of, name) => step(of, Step::Name(name.clone())),
            Expr::Index(of, index) => match &**index {
                Expr::Str(name) => step(of, Step::Name(name.clone())),
                other => step(of, Step::Any(other.to_string())),
            },
            Expr::Name(name) => {
                if let Some((_, path)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
                    return path.clone();
                }
                if (self.is_counter)(name) || name == crate::counter::RECENT_KEYS {
                    return None;
                }
                Some(Path {
                    limits: false,
                    steps: vec![Step::Name(name.clone())],
                })
            }
            _ => None,
        }
    }

    pub(super) fn bind(&mut self, variable: &str, list: &Expr) {
        let items = self.path(list).map(|mut path| {
            path.steps.push(Step::Any(String::new()));
            path
        });
        self.bound.push((variable.to_owned(), items));
    }

    /// Marks the paths of a condition that stand where true or false is wanted. `all` are the uses by all rules of
    /// the pack, `own` those by this condition.
    pub(crate) fn mark(&mut self, expr: &mut Expr, all: &Uses, own: &Uses) {
        self.bound.clear();
        self.mark_condition(expr, Side::Allow, (all, own));
    }

    fn mark_condition(&mut self, expr: &mut Expr, side: Side, uses: (&Uses, &Uses)) {
        match expr {
            Expr::Not(of) => self.mark_condition(of, side.other(), uses),
            Expr::And(items) | Expr::Or(items) => {
                for item in items {
                    self.mark_condition(item, side, uses);
                }
            }
            Expr::Quantified {
                body,
                variable,
                list,
                ..
            } => {
                self.mark_value(list, uses);
                self.bind(variable, list);
                self.mark_condition(body, side, uses);
                self.bound.pop();
            }
            Expr::Field(..) | Expr::Index(..) | Expr::Name(_) => {
                let path = self.path(expr);
                self.mark_value(expr, uses);
                let Some(path) = path.filter(|path| !path.steps.is_empty()) else {
                    return;
                };
                let as_what = counts(&path, uses);
                let of = std::mem::replace(expr, Expr::Null);
                *expr = Expr::Truth(Box::new(of), Counts { as_what, side });
            }
            other => self.mark_value(other, uses),
        }
    }

    fn mark_value(&mut self, expr: &mut Expr, uses: (&Uses, &Uses)) {
        match expr {
            Expr::Not(_) | Expr::And(_) | Expr::Or(_) | Expr::Quantified { .. } => {
                self.mark_condition(expr, Side::Either, uses);
            }
            Expr::List(items) | Expr::Call(_, items) => {
                items
                    .iter_mut()
                    .for_each(|item| self.mark_value(item, uses));
            }
            Expr::Field(of, _) | Expr::Negate(of) | Expr::IsEmpty { of, .. } => {
                self.mark_value(of, uses);
            }
            Expr::Index(a, b) | Expr::Binary(_, a, b) => {
                self.mark_value(a, uses);
                self.mark_value(b, uses);
            }
            Expr::Method(of, _, arguments) => {
                self.mark_value(of, uses);
                arguments
                    .iter_mut()
                    .for_each(|item| self.mark_value(item, uses));
            }
            _ => {}
        }
    }
}

fn counts(path: &Path, (all, own): (&Uses, &Uses)) -> AsWhat {
    let (anywhere, here) = (all.of(path), own.of(path));
    if !path.limits {
        return AsWhat::Field {
            number: here.number,
        };
    }
    if anywhere.is_value() {
        AsWhat::Limit { may_be_flag: false }
    } else if here.compared {
        AsWhat::Limit { may_be_flag: true }
    } else {
        AsWhat::Flag
    }
}
