//! Why a document is not accepted as a pack.

use crate::{CanonicalError, InvalidPackId, JsonError, PackId};

/// Why a document is not accepted as a pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Not acceptable JSON.
    #[error("pack is not acceptable JSON: {0}")]
    Json(#[from] JsonError),
    /// The id is malformed.
    #[error(transparent)]
    Id(#[from] InvalidPackId),
    /// A field that has to be there is not.
    #[error("pack has no `{field}`")]
    MissingField {
        /// Path of the field.
        field: String,
    },
    /// A field has another type or form.
    #[error("pack field `{field}` must be {expected}")]
    WrongType {
        /// Path of the field.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// Two rules or two counters have one name.
    #[error("pack has two {what}s named `{name}`; rename one")]
    Duplicate {
        /// Rule or counter.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// More of something than a decision can go through in bounded time.
    #[error("pack has {found} {what}s; at most {most} are read, split it into several packs")]
    TooMany {
        /// Rule, counter, capability name or schema pattern.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many may be there.
        most: usize,
    },
    /// Larger than any pack is read.
    #[error("pack has {found} bytes; at most {most} are read")]
    TooLarge {
        /// Bytes there are.
        found: usize,
        /// Bytes that may be there.
        most: usize,
    },
    /// Not an assurance level.
    #[error(transparent)]
    AssuranceLevel(#[from] crate::UnknownAssuranceLevel),
    /// `required_context` is no usable JSON Schema.
    #[error("`required_context` is no usable JSON Schema: {0}")]
    Schema(String),
    /// No rule of this name to waive.
    #[error("pack `{pack}` has no rule `{rule}`; its rules are {known}")]
    UnknownRule {
        /// Id of the pack.
        pack: PackId,
        /// The name that was given.
        rule: String,
        /// Names of the rules there are.
        known: String,
    },
    /// No canonical form, so no digest.
    #[error("pack cannot be digested: {0}")]
    Canonical(#[from] CanonicalError),
}
