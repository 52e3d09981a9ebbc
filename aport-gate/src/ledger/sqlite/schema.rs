//! Opening the file: whose it is, which version, and how durable.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::super::error::{LedgerError, Problem};

/// `APGL` in ASCII.
const APPLICATION_ID: i32 = 0x4150_474c;
const VERSION: i32 = 1;

/// How long a transaction waits for another process. The gate's deadline is the caller's bound.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE counters (
    agent TEXT NOT NULL,
    policy TEXT NOT NULL,
    counter TEXT NOT NULL,
    key TEXT NOT NULL,
    window TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    window_end INTEGER NOT NULL,
    total INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (agent, policy, counter, key, window, window_start, window_end)
) STRICT, WITHOUT ROWID;
CREATE TABLE reservations (
    decision_id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    policy TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'committed', 'held', 'released')),
    charges TEXT NOT NULL,
    idempotency_key TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency_keys (
    agent TEXT NOT NULL,
    policy TEXT NOT NULL,
    key TEXT NOT NULL,
    decision_id TEXT NOT NULL REFERENCES reservations (decision_id),
    PRIMARY KEY (agent, policy, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('decision', 'outcome', 'refusal')),
    decision_id TEXT,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_decision ON audit (decision_id);
CREATE TABLE audit_head (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
";

pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    refuse_memory(path)?;
    create_directory(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let opened = Connection::open_with_flags(path, flags)
            .map_err(Problem::from)
            .and_then(|connection| prepare(connection, path));
        match opened {
            // SQLite answers busy at once, whatever the timeout, when two processes switch a new
            // file to WAL together.
            Err(problem) if problem.is_busy() && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(problem) => return Err(problem.at(&path.display().to_string())),
            Ok(connection) => return Ok(connection),
        }
    }
}

/// A second connection, which cannot write.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Problem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

// A ledger in memory is forgotten with its process, and its caps with it.
fn refuse_memory(path: &Path) -> Result<(), LedgerError> {
    let text = path.to_string_lossy();
    if text.trim().is_empty() || text.starts_with(':') || text.starts_with("file:") {
        return Err(LedgerError::Unwritable {
            ledger: path.display().to_string(),
            problem: "it does not name a file on disk".to_owned(),
        });
    }
    Ok(())
}

fn create_directory(path: &Path) -> Result<(), LedgerError> {
    let Some(directory) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    else {
        return Ok(());
    };
    std::fs::create_dir_all(directory).map_err(|error| LedgerError::Unwritable {
        ledger: path.display().to_string(),
        problem: error.to_string(),
    })
}

fn prepare(mut connection: Connection, path: &Path) -> Result<Connection, Problem> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Before anything is changed: the file may be somebody else's.
    // In one read transaction: another process may be creating the tables between two reads.
    let snapshot = connection.transaction()?;
    let new = is_new(&snapshot)?;
    drop(snapshot);
    if new {
        keep_private(path);
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the lock: another process may have created the tables meanwhile.
    if is_new(&transaction)? {
        transaction.execute_batch(TABLES)?;
        super::chain::start(&transaction)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(connection)
}

fn is_new(connection: &Connection) -> Result<bool, Problem> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application_id = pragma("application_id")?;
    let version = pragma("user_version")?;
    if application_id == APPLICATION_ID {
        return match version {
            VERSION => Ok(false),
            newer if newer > VERSION => Err(Problem::NewerSchema {
                found: newer,
                supported: VERSION,
            }),
            other => Err(Problem::Corrupt(format!(
                "schema version {other} never existed"
            ))),
        };
    }
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application_id == 0 && version == 0 && objects == 0 {
        Ok(true)
    } else {
        Err(Problem::Foreign(application_id))
    }
}

/// Records show what agents did: for the owner's eyes. SQLite gives its WAL the same mode.
#[cfg(unix)]
fn keep_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    // By name, not by descriptor: closing a second descriptor would drop SQLite's POSIX locks.
    if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
        tracing::warn!(path = %path.display(), %error, "the ledger's permissions stay as they are");
    }
}

#[cfg(not(unix))]
fn keep_private(_path: &Path) {}
