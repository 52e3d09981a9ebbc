//! How a desk or host fails, and whether anything happened before it did.

use std::fmt;
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
    /// The pull request is merged already: nothing was done, which need not mean that anything is wrong.
    #[error(
        "pull request #{pr_number} of `{repository}` is already merged into `{base_branch}`{merged}"
    )]
    AlreadyMerged {
        /// Repository, `owner/name`.
        repository: String,
        /// Number of the pull request.
        pr_number: u64,
        /// Branch that it was merged into.
        base_branch: String,
        /// What was merged.
        merged: Merged,
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
    /// The desk said no for now, and did nothing: the same may pass later.
    #[error("{0}")]
    NotNow(String),
    /// The desk failed before it did anything.
    #[error("nothing was done: {0}")]
    NothingDone(Box<dyn std::error::Error + Send + Sync>),
    /// The desk failed, and it is not known how far it came.
    #[error("it is not known whether it was done: {0}")]
    Unclear(Box<dyn std::error::Error + Send + Sync>),
}

/// What of a pull request was merged, next to what a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Merged {
    /// This commit, before anything was decided.
    Before(String),
    /// What was decided on: this commit, where the host has commits, and the branch that was meant. A call that
    /// was delivered twice, or whose answer was lost, ends here.
    AsDecided(Option<String>),
    /// This commit, and it or its branch is another than what was decided on.
    Otherwise(String),
}

impl fmt::Display for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(commit) => write!(
                f,
                " with its commit `{commit}`: there is nothing left to merge"
            ),
            Self::AsDecided(Some(commit)) => write!(
                f,
                " by the very commit that was decided on, `{commit}`: nothing was done anew"
            ),
            Self::AsDecided(None) => f.write_str(" as it was decided on: nothing was done anew"),
            Self::Otherwise(commit) => write!(
                f,
                " with its commit `{commit}`, which is not what was decided on: nothing was done"
            ),
        }
    }
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
    /// own systems is not. Only what passes by itself is worth a new try.
    #[must_use]
    pub fn into_facts_error(self) -> FactsError {
        match self {
            Self::NothingDone(_) | Self::Unclear(_) => FactsError::internal(self),
            Self::NotNow(_) => FactsError::for_caller(self),
            _ => FactsError::refused(self),
        }
    }
}

impl ExecutionReport for DeskError {
    fn nothing_executed(&self) -> bool {
        !matches!(self, Self::Unclear(_))
    }
}
