//! Whether the open files are still those that other processes find under the ledger's name.
//!
//! Unix lets a file be removed or replaced while it is open. SQLite would go on writing to the old
//! one, which nobody else sees: a cap spent there would be free again for the next process.

#[cfg(unix)]
pub(super) use unix::Identity;

#[cfg(unix)]
mod unix {
    use std::ffi::OsString;
    use std::io::ErrorKind;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Path, PathBuf};

    use super::super::super::error::Problem;

    /// The database and what SQLite keeps beside it while it is open.
    #[derive(Debug)]
    pub(in super::super) struct Identity {
        files: Vec<(PathBuf, (u64, u64))>,
    }

    impl Identity {
        /// Taken while the database is open and was read once.
        pub(in super::super) fn of(database: &Path) -> Result<Self, Problem> {
            let files = ["", "-wal", "-shm"].map(|suffix| {
                let mut name = OsString::from(database);
                name.push(suffix);
                let path = PathBuf::from(name);
                number(&path).map(|number| (path, number))
            });
            Ok(Self {
                files: files.into_iter().collect::<Result<_, _>>()?,
            })
        }

        pub(in super::super) fn check(&self) -> Result<(), Problem> {
            for (path, known) in &self.files {
                if number(path)? != *known {
                    return Err(moved(path, "was replaced"));
                }
            }
            Ok(())
        }
    }

    fn number(path: &Path) -> Result<(u64, u64), Problem> {
        match std::fs::metadata(path) {
            Ok(metadata) => Ok((metadata.dev(), metadata.ino())),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(moved(path, "was removed")),
            Err(error) => Err(moved(path, &format!("cannot be looked at: {error}"))),
        }
    }

    fn moved(path: &Path, what: &str) -> Problem {
        Problem::Moved(format!("`{}` {what}", path.display()))
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct Identity;

#[cfg(not(unix))]
impl Identity {
    pub(super) fn of(_database: &std::path::Path) -> Result<Self, super::super::error::Problem> {
        Ok(Self)
    }

    pub(super) fn check(&self) -> Result<(), super::super::error::Problem> {
        Ok(())
    }
}
