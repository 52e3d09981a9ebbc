//! The answer of a path that stands where true or false is wanted.

use super::ast::{Expr, Root};
use super::evaluator::Evaluated;
use super::truth::{AsWhat, Counts, Side};
use super::value::{Fault, Truth, Val};

impl Counts {
    /// What the value counts as.
    ///
    /// # Errors
    /// For a limit that should be true or false and is something else.
    pub(super) fn weigh<'a>(self, value: &Val<'a>, expr: &Expr) -> Evaluated<Truth<'a>> {
        if let Val::Bool(_) | Val::Null | Val::Absent(_) | Val::Unknown(_) = value {
            let unset = matches!(value, Val::Bool(false))
                && self.as_what == AsWhat::Limit { may_be_flag: false };
            return if unset {
                self.doubtful(value, expr)
            } else {
                Ok(value.truth())
            };
        }
        match self.as_what {
            AsWhat::Flag => Err(Fault(format!(
                "limit `{expr}` is {}, and the rule asks whether it is true: set it to `true` or `false`",
                value.type_name()
            ))),
            AsWhat::Limit { .. } if is_falsy(value) || is_bare(value) => self.doubtful(value, expr),
            AsWhat::Field { number } if is_bare(value) || (number && is_falsy_number(value)) => {
                self.doubtful(value, expr)
            }
            _ => Ok(value.truth()),
        }
    }

    /// What one language takes for true and another for false, or what is set and counts as unset: it counts as
    /// what does not help the call.
    fn doubtful<'a>(self, value: &Val<'_>, expr: &Expr) -> Evaluated<Truth<'a>> {
        match self.side {
            Side::Allow => Ok(Truth::False),
            Side::Deny => Ok(Truth::True),
            Side::Either => Err(Fault(format!(
                "`{expr}` is {} that is empty or zero, which is neither true nor false here; ask for it with `has(…)` or `is empty`",
                value.type_name()
            ))),
        }
    }
}

fn is_falsy(value: &Val<'_>) -> bool {
    matches!(value.truth(), Truth::False)
}

fn is_falsy_number(value: &Val<'_>) -> bool {
    matches!(value, Val::Int(_) | Val::Float(_)) && is_falsy(value)
}

/// A list or an object without anything in it.
fn is_bare(value: &Val<'_>) -> bool {
    match value {
        Val::List(items) | Val::Capabilities(items) => items.is_empty(),
        Val::Items(items) => items.is_empty(),
        Val::Object(map) | Val::Keys(map) => map.is_empty(),
        _ => false,
    }
}

/// Whether the path leads into the passport's limits.
pub(crate) fn is_limit(expr: &Expr) -> bool {
    match expr {
        Expr::Root(Root::Limits) => true,
        Expr::Field(of, name) if matches!(**of, Expr::Root(Root::Passport)) => name == "limits",
        Expr::Field(of, _) | Expr::Index(of, _) => is_limit(of),
        _ => false,
    }
}
