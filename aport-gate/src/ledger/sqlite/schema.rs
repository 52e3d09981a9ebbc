//! Opening the file: whose it is, which version, and how durable.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::super::error::{LedgerError, Problem};
use super::migrations::STEPS;

/// `APGL` in ASCII.
const APPLICATION_ID: i32 = 0x4150_474c;

/// How long a transaction waits for another process. The gate's deadline is the caller's bound.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages in the WAL at which a commit makes a checkpoint by itself: 80 MB.
const AUTOCHECKPOINT: i32 = 20_000;

pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    refuse_memory(path)?;
    refuse_other_than_a_file(path)?;
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

// Before it is touched: its permissions are about to be changed.
fn refuse_other_than_a_file(path: &Path) -> Result<(), LedgerError> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(LedgerError::Unwritable {
            ledger: path.display().to_string(),
            problem: "it is no regular file".to_owned(),
        }),
        // What cannot be looked at cannot be opened either.
        _ => Ok(()),
    }
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
    // SQLite opens for reading what it may not write, leaves files that nobody can write beside it, and tells
    // the first writer.
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        return Err(Problem::ReadOnly);
    }
    // Before anything is changed: the file may be somebody else's.
    // In one read transaction: another process may be creating the tables between two reads.
    let snapshot = connection.transaction()?;
    let found = version(&snapshot)?;
    drop(snapshot);
    if found == 0 {
        keep_private(path);
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // The ledger's thread makes checkpoints; this is for what it does not count, such as a long pruning.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", AUTOCHECKPOINT, |_| Ok(()))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the lock: another process may have done it meanwhile. All steps are one
    // transaction: a process that dies between two leaves the version of before.
    let found = version(&transaction)?;
    for step in STEPS.iter().skip(found) {
        transaction
            .execute_batch(step)
            .map_err(|error| misfit(found, error))?;
    }
    if found == 0 {
        super::chain::start(&transaction)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    if found < STEPS.len() {
        transaction.pragma_update(None, "user_version", newest())?;
    }
    transaction.commit()?;
    if (1..STEPS.len()).contains(&found) {
        tracing::info!(from = found, to = newest(), path = %path.display(), "the ledger was migrated");
    }
    Ok(connection)
}

/// A step fails by its tables only where the file's version is not the truth about them.
fn misfit(version: usize, error: rusqlite::Error) -> Problem {
    match super::super::error::misfit(&error) {
        Some(message) => Problem::Corrupt(format!(
            "its `user_version` says that its tables are of schema version {version}, which they do not fit: {message}"
        )),
        None => error.into(),
    }
}

fn newest() -> i32 {
    i32::try_from(STEPS.len()).unwrap_or(i32::MAX)
}

/// The file's schema version; 0 for a new file.
fn version(connection: &Connection) -> Result<usize, Problem> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application_id = pragma("application_id")?;
    let version = pragma("user_version")?;
    if application_id == APPLICATION_ID {
        return match usize::try_from(version) {
            Ok(known @ 1..) if known <= STEPS.len() => Ok(known),
            Ok(1..) => Err(Problem::NewerSchema {
                found: version,
                supported: newest(),
            }),
            _ => Err(Problem::Corrupt(format!(
                "schema version {version} never existed"
            ))),
        };
    }
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application_id == 0 && version == 0 && objects == 0 {
        Ok(0)
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
