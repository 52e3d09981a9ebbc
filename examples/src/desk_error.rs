//! How a desk or host fails, and whether anything happened before it did.

use std::pin::Pin;

use aport_gate::{ExecutionReport, FactsError};

use crate::journal::JournalError;

/// What a desk's method returns.
pub type DeskFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, DeskError>> + Send + 'a>>;

/// Why a desk or host did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeskError {
    /// The idempotency key belongs to another refund.
    #[error(
        "idempotency key `{0}` was used for a refund with other details; use a new key for a new refund"
    )]
    KeyReused(String),
    /// The pull request is merged already.
    #[error("pull request #{pr_number} of `{repository}` is already merged")]
    AlreadyMerged {
        /// Repository, `owner/name`.
        repository: String,
        /// Number of the pull request.
        pr_number: u64,
    },
    /// The pull request goes into another branch than the caller thinks.
    #[error("the pull request goes into `{found}`, not into `{expected}`")]
    OtherBase {
        /// What the caller said.
        expected: String,
        /// What the host knows.
        found: String,
    },
    /// The desk said no, and did nothing.
    #[error("{0}")]
    Refused(String),
    /// The desk failed before it did anything.
    #[error("nothing was done: {0}")]
    NothingDone(Box<dyn std::error::Error + Send + Sync>),
    /// The desk failed, and it is not known how far it came.
    #[error("it is not known whether it was done: {0}")]
    Unclear(Box<dyn std::error::Error + Send + Sync>),
}

impl From<JournalError> for DeskError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Write { .. } => Self::Unclear(Box::new(error)),
            JournalError::Open { .. } | JournalError::Malformed { .. } => {
                Self::NothingDone(Box::new(error))
            }
        }
    }
}

impl DeskError {
    /// Why facts cannot be had: what says something about the call is for the caller, what tells of this server's
    /// own systems is not.
    #[must_use]
    pub fn into_facts_error(self) -> FactsError {
        match self {
            Self::NothingDone(_) | Self::Unclear(_) => FactsError::internal(self),
            _ => FactsError::for_caller(self),
        }
    }
}

impl ExecutionReport for DeskError {
    fn nothing_executed(&self) -> bool {
        !matches!(self, Self::Unclear(_))
    }
}
