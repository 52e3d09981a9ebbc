//! Files that are written whole or not at all.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::file;
use crate::RunError;

/// A file that is written, and not yet at its place. Dropped, it is gone.
pub(super) struct Whole {
    written: NamedTempFile,
    path: PathBuf,
}

impl Whole {
    /// Writes it beside its place, so that it has only to be named.
    ///
    /// # Errors
    /// It cannot be written, or its place is a folder's.
    pub(super) fn write(path: &Path, content: &[u8]) -> Result<Self, RunError> {
        if path.is_dir() {
            let is_folder = std::io::ErrorKind::IsADirectory.into();
            return Err(file("write", path)(is_folder));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".aport-gate-bundle-");
        // As of any file that its user writes: the mask has the last word.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut written = builder.tempfile_in(folder).map_err(file("write", path))?;
        written.write_all(content).map_err(file("write", path))?;
        Ok(Self {
            written,
            path: path.to_owned(),
        })
    }

    /// Puts it at its place.
    ///
    /// # Errors
    /// It cannot be put there; then nothing is.
    pub(super) fn place(self) -> Result<(), RunError> {
        let placed = self.written.persist(&self.path);
        placed.map_err(|failed| file("write", &self.path)(failed.error))?;
        Ok(())
    }
}
