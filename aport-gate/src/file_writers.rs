//! Who else on this machine may write a file.
#![cfg_attr(
    not(any(feature = "cli", feature = "http")),
    allow(
        dead_code,
        reason = "files of secrets are read by servers and the command"
    )
)]

use std::io;
use std::path::{Path, PathBuf};

/// Others than its owner who may write a file, or replace it by way of its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Writers {
    /// The file or the folder.
    pub(crate) path: PathBuf,
    /// Its permission bits.
    pub(crate) mode: u32,
    /// Whether everybody may, and not its group alone.
    pub(crate) everybody: bool,
}

/// Those of the file at `path`, or none. Where everybody may write file or folder, that is told first.
///
/// # Errors
/// The file or its folder cannot be looked at.
#[cfg(unix)]
pub(crate) fn writers(path: &Path) -> io::Result<Option<Writers>> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let file = std::fs::metadata(path)?;
    let mut found = vec![(path, file.permissions().mode())];
    if let Some(folder) = path.parent() {
        let metadata = std::fs::metadata(folder)?;
        let mode = metadata.permissions().mode();
        // With the sticky bit others add files there, but neither remove nor replace those of its owner: a
        // secret that Kubernetes mounts is so.
        let sticky = mode & 0o1000 != 0 && metadata.uid() == file.uid();
        if !sticky {
            found.push((folder, mode));
        }
    }
    let by = |bit: u32| {
        let found = found.iter().find(|(_, mode)| mode & bit != 0);
        found.map(|(path, mode)| Writers {
            path: path.to_path_buf(),
            mode: mode & 0o777,
            everybody: bit == 0o002,
        })
    };
    Ok(by(0o002).or_else(|| by(0o020)))
}

// Elsewhere the per-user data folder's own access list protects it.
#[cfg(not(unix))]
pub(crate) fn writers(_path: &Path) -> io::Result<Option<Writers>> {
    Ok(None)
}
