//! A copy of the whole ledger, taken while decisions go on.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::super::audit::AuditSummary;
use super::super::error::Problem;
use super::{chain, schema};

/// Copies the ledger to `target`, which must not exist, and checks the copy's chain.
pub(super) fn backup(database: &Path, target: &Path) -> Result<AuditSummary, Problem> {
    let failed = |error: std::io::Error| {
        Problem::Backup(format!("`{}` cannot be written: {error}", target.display()))
    };
    let name = target
        .file_name()
        .ok_or_else(|| Problem::Backup(format!("`{}` does not name a file", target.display())))?;
    let scratch = target.with_file_name(format!(
        ".{}.{}",
        name.to_string_lossy(),
        uuid::Uuid::new_v4()
    ));
    let scratch = Scratch::create(scratch).map_err(failed)?;
    let source = schema::open_reader(database)?;
    // One read transaction: what is committed meanwhile is not in it, and waits for nothing.
    source.pragma_update(None, "query_only", false)?;
    let into = scratch
        .0
        .to_str()
        .ok_or_else(|| Problem::Backup(format!("`{}` is not valid UTF-8", target.display())))?;
    source
        .execute("VACUUM INTO ?1", [into])
        .map_err(|error| match error.sqlite_error_code() {
            // The reader is well: what cannot be written is the copy.
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly,
            ) => failed(std::io::Error::other(error)),
            _ => error.into(),
        })?;
    File::open(&scratch.0)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    let mut copy = Connection::open_with_flags(
        &scratch.0,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    let summary = chain::verify(&mut copy, None)?;
    drop(copy);
    // Unlike a rename, a link replaces nothing: an older backup stays.
    std::fs::hard_link(&scratch.0, target).map_err(failed)?;
    Ok(summary)
}

/// The copy under way. Removed at the end, whatever comes.
struct Scratch(PathBuf);

impl Scratch {
    fn create(path: PathBuf) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        options.open(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "a scratch file stays behind");
        }
    }
}
