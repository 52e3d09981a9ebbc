use jiff::Timestamp;
use rusqlite::ErrorCode;

/// Why the ledger could not answer. Every variant names the ledger: its file, or
/// its server and database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file or its directory cannot be created or written.
    #[error(
        "cannot write the ledger `{ledger}`: {problem}; check that its directory exists, and that it and the file with the `-wal` and `-shm` beside it are writable"
    )]
    Unwritable {
        /// The ledger.
        ledger: String,
        /// What the system or SQLite said.
        problem: String,
    },
    /// There is no room for it. Nothing was written.
    #[error(
        "the ledger `{ledger}` finds no room: {problem}; free some of its disk, or of its quota"
    )]
    Full {
        /// The ledger.
        ledger: String,
        /// What the system or SQLite said.
        problem: String,
    },
    /// The file is not a database, or its pages are damaged.
    #[error(
        "the ledger `{ledger}` is corrupt: {problem}; restore it from a copy, or move it away to start a new one"
    )]
    Corrupt {
        /// The ledger.
        ledger: String,
        /// What does not hold.
        problem: String,
    },
    /// The file is a database of another program.
    #[error(
        "`{ledger}` is not a ledger: its application id is {application_id:#010x}; choose another file"
    )]
    Foreign {
        /// The file.
        ledger: String,
        /// The SQLite application id found in it.
        application_id: i32,
    },
    /// The file was written by a newer version.
    #[error(
        "the ledger `{ledger}` has schema version {found}, this program knows up to {supported}; update this program"
    )]
    NewerSchema {
        /// The ledger.
        ledger: String,
        /// The version found in the file.
        found: i32,
        /// The newest version this program reads.
        supported: i32,
    },
    /// Another process kept the file locked for longer than the ledger waits.
    #[error("the ledger `{ledger}` is locked by another process; retry")]
    Busy {
        /// The ledger.
        ledger: String,
    },
    /// The evaluation of a policy panicked. Nothing was written.
    #[error("the evaluation panicked: {problem}; nothing was written to the ledger `{ledger}`")]
    Evaluation {
        /// The ledger.
        ledger: String,
        /// The panic message.
        problem: String,
    },
    /// A charge is negative, or would take its counter out of the range of 64 bits. Nothing was
    /// written.
    #[error(
        "counter `{counter}` cannot take a charge of {amount}: it stands at {total}; nothing was written to the ledger `{ledger}`"
    )]
    Overflow {
        /// The ledger.
        ledger: String,
        /// The counter's name.
        counter: String,
        /// The charge that does not fit, in the counter's unit.
        amount: i64,
        /// The total before the charge, in the counter's unit.
        total: i64,
    },
    /// A call was allowed with an idempotency key that another call holds. Nothing was written.
    #[error(
        "idempotency key `{key}` was used before; nothing was written to the ledger `{ledger}`"
    )]
    KeyTaken {
        /// The ledger.
        ledger: String,
        /// The idempotency key.
        key: String,
    },
    /// A decision allowed a call before: it is on record, and allows no other. Nothing was written.
    #[error(
        "decision `{decision_id}` is on record already; nothing was written to the ledger `{ledger}`"
    )]
    DecisionTaken {
        /// The ledger.
        ledger: String,
        /// The decision.
        decision_id: String,
    },
    /// The reservation is not pending: it was settled before, or never taken.
    #[error("decision `{decision_id}` has no pending reservation in the ledger `{ledger}`")]
    NotPending {
        /// The ledger.
        ledger: String,
        /// The decision whose reservation was to be settled.
        decision_id: String,
    },
    /// The audit chain does not hold.
    #[error("audit record {sequence} of the ledger `{ledger}` was tampered with: {problem}")]
    Tampered {
        /// The ledger.
        ledger: String,
        /// The first record that does not hold.
        sequence: u64,
        /// What does not hold.
        problem: String,
    },
    /// A record cannot be written as JSON.
    #[error("a record for the ledger `{ledger}` cannot be encoded")]
    Encoding {
        /// The ledger.
        ledger: String,
        /// What serde_json said.
        source: serde_json::Error,
    },
    /// The ledger's thread could not start, or is gone.
    #[error("the thread of the ledger `{ledger}` is not running: {problem}")]
    Stopped {
        /// The ledger.
        ledger: String,
        /// Why.
        problem: String,
    },
    /// The database, or a file that SQLite keeps beside it, was removed or replaced while in use.
    #[error(
        "the ledger `{ledger}` is not where it was: {problem} while it was in use; stop every process that uses it, put it back, and start again"
    )]
    Moved {
        /// The ledger.
        ledger: String,
        /// Which file, and what became of it.
        problem: String,
    },
    /// The clock stands before windows or keys that were pruned: they would seem unspent.
    #[error(
        "the clock stands at {now}, but the ledger `{ledger}` has pruned the usage up to {pruned_until}; set the clock right, or, if it ran ahead before and is right now, begin a new ledger"
    )]
    ClockBehind {
        /// The ledger.
        ledger: String,
        /// The time of the decision.
        now: String,
        /// Windows that ended up to then, and keys of before, may be gone.
        pruned_until: String,
    },
    /// A copy could not be made. The ledger is as it was.
    #[error("the ledger `{ledger}` was not backed up: {problem}")]
    Backup {
        /// The ledger.
        ledger: String,
        /// Why not.
        problem: String,
    },
    /// This kind of ledger cannot do that.
    #[error("the ledger `{ledger}` cannot {problem}")]
    Unsupported {
        /// The ledger.
        ledger: String,
        /// What.
        problem: &'static str,
    },
    /// The server cannot be reached, or cannot serve yet. It is tried again by itself; until then
    /// calls are refused.
    #[error("cannot reach the ledger `{ledger}`: {problem}; it is tried again by itself")]
    Unreachable {
        /// Where the ledger is.
        ledger: String,
        /// What the last try met.
        problem: String,
    },
    /// The URL, the role, the database or the certificates are not as the ledger needs them.
    #[error("cannot use the ledger `{ledger}`: {problem}")]
    Misconfigured {
        /// Where the ledger is.
        ledger: String,
        /// What is wrong.
        problem: String,
    },
    /// The connection was lost between the question and the answer. The call is refused; what it
    /// may have taken from a cap is given back once the ledger answers again.
    #[error("the connection to the ledger `{ledger}` was lost before it answered: {problem}")]
    CommitUnknown {
        /// Where the ledger is.
        ledger: String,
        /// What happened to the connection.
        problem: String,
    },
    /// A text that PostgreSQL cannot store. Nothing was written.
    #[error("the ledger `{ledger}` cannot store {what}: it holds a NUL character")]
    Unstorable {
        /// Where the ledger is.
        ledger: String,
        /// Which text.
        what: String,
    },
    /// Any other refusal of the database server. Nothing was written.
    #[error("the ledger `{ledger}` failed: {problem}")]
    Database {
        /// Where the ledger is.
        ledger: String,
        /// What the server said.
        problem: String,
    },
    /// Any other failure of SQLite.
    #[error("the ledger `{ledger}` failed: {source}")]
    Sqlite {
        /// The ledger.
        ledger: String,
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
    DecisionTaken(String),
    Moved(String),
    ReadOnly,
    ClockBehind {
        now: String,
        pruned_until: String,
    },
    Backup(String),
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

    /// Windows that may have been pruned would seem unspent.
    pub(super) fn clock_behind(now: Timestamp, pruned_until: i64) -> Self {
        Self::ClockBehind {
            now: now.to_string(),
            pruned_until: Timestamp::from_second(pruned_until)
                .map_or_else(|_| pruned_until.to_string(), |time| time.to_string()),
        }
    }

    pub(super) fn at(self, ledger: &str) -> LedgerError {
        let busy = self.is_busy();
        let ledger = ledger.to_owned();
        match self {
            Self::Sqlite(_) if busy => LedgerError::Busy { ledger },
            Self::Sqlite(source) => sqlite(ledger, source),
            Self::Encoding(source) => LedgerError::Encoding { ledger, source },
            Self::Corrupt(problem) => LedgerError::Corrupt { ledger, problem },
            Self::Foreign(application_id) => LedgerError::Foreign {
                ledger,
                application_id,
            },
            Self::NewerSchema { found, supported } => LedgerError::NewerSchema {
                ledger,
                found,
                supported,
            },
            Self::Evaluation(problem) => LedgerError::Evaluation { ledger, problem },
            Self::Overflow {
                counter,
                amount,
                total,
            } => LedgerError::Overflow {
                ledger,
                counter,
                amount,
                total,
            },
            Self::ReadOnly => LedgerError::Unwritable {
                ledger,
                problem: "this user may only read it".to_owned(),
            },
            Self::Moved(problem) => LedgerError::Moved { ledger, problem },
            Self::ClockBehind { now, pruned_until } => LedgerError::ClockBehind {
                ledger,
                now,
                pruned_until,
            },
            Self::Backup(problem) => LedgerError::Backup { ledger, problem },
            Self::KeyTaken(key) => LedgerError::KeyTaken { ledger, key },
            Self::DecisionTaken(decision_id) => LedgerError::DecisionTaken {
                ledger,
                decision_id,
            },
            Self::NotPending(decision_id) => LedgerError::NotPending {
                ledger,
                decision_id,
            },
            Self::Tampered { sequence, problem } => LedgerError::Tampered {
                ledger,
                sequence,
                problem,
            },
        }
    }
}

/// What SQLite says about a statement that the tables do not fit: one is missing, or not as it was made.
pub(super) fn misfit(error: &rusqlite::Error) -> Option<&str> {
    const MISFITS: [&str; 5] = [
        "no such table",
        "no such column",
        "has no column",
        "duplicate column",
        "already exists",
    ];
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        _ => return None,
    };
    let tells = MISFITS.iter().any(|misfit| message.contains(misfit));
    tells.then_some(message)
}

fn sqlite(ledger: String, source: rusqlite::Error) -> LedgerError {
    if let Some(message) = misfit(&source) {
        let problem = format!("its tables are not those of a ledger: {message}");
        return LedgerError::Corrupt { ledger, problem };
    }
    let problem = source.to_string();
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LedgerError::Full { ledger, problem },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            LedgerError::Corrupt { ledger, problem }
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            LedgerError::Unwritable { ledger, problem }
        }
        _ => LedgerError::Sqlite { ledger, source },
    }
}
