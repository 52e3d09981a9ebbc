//! The language of a rule's `condition`: one grammar for the dialects that published packs mix.

pub(crate) mod ast;
mod lexer;
mod parser;

#[cfg(feature = "evaluate")]
mod access;
#[cfg(feature = "evaluate")]
pub(crate) mod bound;
#[cfg(feature = "evaluate")]
mod call;
#[cfg(feature = "evaluate")]
mod compile;
#[cfg(test)]
#[cfg(feature = "evaluate")]
mod differential;
#[cfg(feature = "evaluate")]
pub(crate) mod evaluator;
#[cfg(feature = "evaluate")]
pub(crate) mod explain;
#[cfg(feature = "evaluate")]
pub(crate) mod fields;
#[cfg(feature = "evaluate")]
mod glob;
#[cfg(feature = "evaluate")]
mod limits;
#[cfg(feature = "evaluate")]
mod operation;
#[cfg(feature = "evaluate")]
pub(crate) mod program;
#[cfg(feature = "evaluate")]
mod quantified;
#[cfg(feature = "evaluate")]
pub(crate) mod trace;
#[cfg(feature = "evaluate")]
pub(crate) mod truth;
#[cfg(feature = "evaluate")]
pub(crate) mod uses;
#[cfg(feature = "evaluate")]
pub(crate) mod value;
#[cfg(feature = "evaluate")]
pub(crate) mod weigh;

pub use parser::{ConditionError, parse_condition};

/// Longest condition, in characters.
pub(crate) const MAX_LENGTH: usize = 1000;

/// Deepest nesting of a condition.
pub(crate) const MAX_DEPTH: usize = 32;

/// A condition that was parsed. It prints as an equivalent condition with all precedence spelt out.
///
/// ```
/// use aport_gate_oap::Condition;
/// let condition: Condition = "not context.note or amount <= limits.max".parse()?;
/// assert_eq!(condition.to_string(), "!context.note || (amount <= limits.max)");
/// # Ok::<(), aport_gate_oap::ConditionError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(pub(crate) ast::Expr);

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_condition(text)
    }
}
