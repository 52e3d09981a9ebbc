use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the ledger could not answer. Every variant names the ledger file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file or its directory cannot be created or written.
    #[error("cannot write the ledger `{}`: {problem}; check that its directory exists and is writable", path.display())]
    Unwritable {
        /// The ledger file.
        path: PathBuf,
        /// What the system or SQLite said.
        problem: String,
    },
    /// The file is not a database, or its pages are damaged.
    #[error("the ledger `{}` is corrupt: {problem}; restore it from a copy, or move it away to start a new one", path.display())]
    Corrupt {
        /// The ledger file.
        path: PathBuf,
        /// What does not hold.
        problem: String,
    },
    /// The file is a database of another program.
    #[error("`{}` is not a ledger: its application id is {application_id:#010x}; choose another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The SQLite application id found in it.
        application_id: i32,
    },
    /// The file was written by a newer version.
    #[error("the ledger `{}` has schema version {found}, this program knows up to {supported}; update this program", path.display())]
    NewerSchema {
        /// The ledger file.
        path: PathBuf,
        /// The version found in the file.
        found: i32,
        /// The newest version this program reads.
        supported: i32,
    },
    /// Another process kept the file locked for longer than the ledger waits.
    #[error("the ledger `{}` is locked by another process; retry", path.display())]
    Busy {
        /// The ledger file.
        path: PathBuf,
    },
    /// The evaluation of a policy panicked. Nothing was written.
    #[error("the evaluation panicked: {problem}; nothing was written to the ledger `{}`", path.display())]
    Evaluation {
        /// The ledger file.
        path: PathBuf,
        /// The panic message.
        problem: String,
    },
    /// A charge is negative, or would take its counter out of the range of 64 bits. Nothing was
    /// written.
    #[error("counter `{counter}` cannot take a charge of {amount}: it stands at {total}; nothing was written to the ledger `{}`", path.display())]
    Overflow {
        /// The ledger file.
        path: PathBuf,
        /// The counter's name.
        counter: String,
        /// The charge that does not fit, in the counter's unit.
        amount: i64,
        /// The total before the charge, in the counter's unit.
        total: i64,
    },
    /// A call was allowed with an idempotency key that another call holds. Nothing was written.
    #[error("idempotency key `{key}` was used before; nothing was written to the ledger `{}`", path.display())]
    KeyTaken {
        /// The ledger file.
        path: PathBuf,
        /// The idempotency key.
        key: String,
    },
    /// The reservation is not pending: it was settled before, or never taken.
    #[error("decision `{decision_id}` has no pending reservation in the ledger `{}`", path.display())]
    NotPending {
        /// The ledger file.
        path: PathBuf,
        /// The decision whose reservation was to be settled.
        decision_id: String,
    },
    /// The audit chain does not hold.
    #[error("audit record {sequence} of the ledger `{}` was tampered with: {problem}", path.display())]
    Tampered {
        /// The ledger file.
        path: PathBuf,
        /// The first record that does not hold.
        sequence: u64,
        /// What does not hold.
        problem: String,
    },
    /// A record cannot be written as JSON.
    #[error("a record for the ledger `{}` cannot be encoded", path.display())]
    Encoding {
        /// The ledger file.
        path: PathBuf,
        /// What serde_json said.
        source: serde_json::Error,
    },
    /// The ledger's thread could not start, or is gone.
    #[error("the thread of the ledger `{}` is not running: {problem}", path.display())]
    Stopped {
        /// The ledger file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// Any other failure of SQLite.
    #[error("the ledger `{}` failed", path.display())]
    Sqlite {
        /// The ledger file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// What went wrong inside a transaction, before it is known for which file.
#[derive(Debug)]
pub(super) enum Problem {
    Sqlite(rusqlite::Error),
    Encoding(serde_json::Error),
    Corrupt(String),
    Foreign(i32),
    NewerSchema {
        found: i32,
        supported: i32,
    },
    Evaluation(String),
    Overflow {
        counter: String,
        amount: i64,
        total: i64,
    },
    KeyTaken(String),
    NotPending(String),
    Tampered {
        sequence: u64,
        problem: String,
    },
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::Encoding(error)
    }
}

impl Problem {
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error) if matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        ))
    }

    pub(super) fn at(self, path: &Path) -> LedgerError {
        let busy = self.is_busy();
        let path = path.to_path_buf();
        match self {
            Self::Sqlite(_) if busy => LedgerError::Busy { path },
            Self::Sqlite(source) => sqlite(path, source),
            Self::Encoding(source) => LedgerError::Encoding { path, source },
            Self::Corrupt(problem) => LedgerError::Corrupt { path, problem },
            Self::Foreign(application_id) => LedgerError::Foreign {
                path,
                application_id,
            },
            Self::NewerSchema { found, supported } => LedgerError::NewerSchema {
                path,
                found,
                supported,
            },
            Self::Evaluation(problem) => LedgerError::Evaluation { path, problem },
            Self::Overflow {
                counter,
                amount,
                total,
            } => LedgerError::Overflow {
                path,
                counter,
                amount,
                total,
            },
            Self::KeyTaken(key) => LedgerError::KeyTaken { path, key },
            Self::NotPending(decision_id) => LedgerError::NotPending { path, decision_id },
            Self::Tampered { sequence, problem } => LedgerError::Tampered {
                path,
                sequence,
                problem,
            },
        }
    }
}

fn sqlite(path: PathBuf, source: rusqlite::Error) -> LedgerError {
    let problem = source.to_string();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            LedgerError::Corrupt { path, problem }
        }
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::DiskFull,
        ) => LedgerError::Unwritable { path, problem },
        _ => LedgerError::Sqlite { path, source },
    }
}
