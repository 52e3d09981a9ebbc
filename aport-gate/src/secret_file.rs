//! A file of secrets that others hold: only their hashes are stored.
#![cfg_attr(
    not(feature = "cli"),
    allow(
        dead_code,
        reason = "the command changes such files, the server reads them"
    )
)]

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aport_gate_oap::Digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::bounded_file;
use crate::file_writers::{self, Writers};
use crate::signing::KeyError;
use crate::signing::key_file::write_private;

/// Largest file, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// What the file keeps of one secret.
pub(crate) trait Entry: Clone + Serialize + DeserializeOwned {
    /// Hash of the secret: 256 random bits need no slow one.
    fn sha256(&self) -> &Digest;
    /// Whether the secret counts now.
    fn is_in_force(&self) -> bool;
}

/// A file that is read anew for every request that needs it: a revocation counts from the next one on.
///
/// Whoever lets everybody in where there are no secrets must not do so because the file was lost. That there
/// were some is therefore remembered, by each process and by a mark that outlives the file.
pub(crate) struct SecretFile<T> {
    path: PathBuf,
    /// In the folder above, so that it outlives the file's own.
    mark: PathBuf,
    known: Mutex<Option<Known<T>>>,
    /// What was warned of last: it is not said for every request.
    warned: Mutex<Option<Writers>>,
}

/// The file as last read with an entry in it, and what it says.
type Known<T> = (Vec<u8>, Arc<Vec<T>>);

/// Why secrets cannot be used or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The file cannot be read or written.
    #[error("`{}` cannot be used: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// A name that cannot be one.
    #[error("`{0}` is no name; use 1 to 64 letters, digits, `.`, `_` or `-`")]
    Name(String),
    /// The name is taken.
    #[error("there is one named `{0}` already; revoke it or choose another name")]
    Taken(String),
    /// There is no such one.
    #[error("there is none named `{0}` in force")]
    Unknown(String),
    /// No random bits, for one.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl<T: Entry> SecretFile<T> {
    pub(crate) fn new(path: PathBuf) -> Self {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!(".{name}-were-made");
        let mark = match path.parent() {
            Some(folder) => folder.with_file_name(name),
            None => path.with_file_name(name),
        };
        Self {
            path,
            mark,
            known: Mutex::default(),
            warned: Mutex::default(),
        }
    }

    /// All entries, those that are not in force too.
    ///
    /// # Errors
    /// The file is there but cannot be read, or it is gone or empty although there were entries: then
    /// nobody's secret counts.
    pub(crate) fn all(&self) -> Result<Arc<Vec<T>>, SecretError> {
        let entries = self.stored()?;
        if entries.is_empty() && self.had_entries() {
            return Err(self.failed(format!(
                "it is gone or empty, but there were entries: put it back, or make new ones; where nobody \
                 shall need one any more, remove `{}` and start anew",
                self.mark.display()
            )));
        }
        Ok(entries)
    }

    /// What the file says; nothing where there is none.
    fn stored(&self) -> Result<Arc<Vec<T>>, SecretError> {
        let bytes = match bounded_file::read(&self.path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(_) if is_absent(&self.path) => return Ok(Arc::default()),
            Err(error) => return Err(self.failed(error)),
        };
        self.refuse_writers()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, entries)) = known.as_ref()
            && *read == bytes
        {
            return Ok(Arc::clone(entries));
        }
        let entries: Arc<Vec<T>> = Arc::new(
            serde_json::from_slice(&bytes)
                .map_err(|error| self.failed(format!("it is damaged: {error}")))?,
        );
        if entries.is_empty() {
            return Ok(entries);
        }
        if known.is_none()
            && let Err(error) = self.leave_mark()
        {
            // Such as for a file that was mounted into a home that cannot be written.
            tracing::debug!(mark = %self.mark.display(), %error, "cannot mark that there are entries");
        }
        *known = Some((bytes, Arc::clone(&entries)));
        Ok(entries)
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whoever may write the file makes secrets that count. For everybody it is refused; a group is warned of,
    /// since some systems make volumes writable for the server's own.
    fn refuse_writers(&self) -> Result<(), SecretError> {
        let found = file_writers::writers(&self.path).map_err(|error| self.failed(error))?;
        if let Some(Writers {
            path,
            mode,
            everybody: true,
        }) = &found
        {
            let place = path.display();
            return Err(self.failed(format!(
                "everybody on this machine may write `{place}` (mode {mode:03o}), and so let themselves in: look through its entries, then `chmod go-w {place}`"
            )));
        }
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if *warned != found {
            if let Some(Writers { path, mode, .. }) = &found {
                tracing::warn!(
                    "others of its group may write `{}` (mode {mode:03o}), and so let themselves in; unless the group is this server's alone, `chmod go-w` it",
                    path.display()
                );
            }
            *warned = found;
        }
        Ok(())
    }

    fn had_entries(&self) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.is_some() || !is_absent(&self.mark)
    }

    fn leave_mark(&self) -> std::io::Result<()> {
        let text = format!(
            "While this is here, nobody is let in without an entry in {}.\n",
            self.path.display()
        );
        match write_private(&self.mark, text.as_bytes()) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            written => written,
        }
    }

    /// The entry in force that this text is, if it is one. Takes the same time whichever it is.
    ///
    /// # Errors
    /// As [`SecretFile::all`].
    pub(crate) fn find(&self, secret: &str) -> Result<Option<T>, SecretError> {
        let hash = Digest::of(secret.as_bytes());
        let mut found = None;
        for candidate in self.all()?.iter() {
            if same(candidate.sha256().as_bytes(), hash.as_bytes()) && candidate.is_in_force() {
                found = Some(candidate.clone());
            }
        }
        Ok(found)
    }

    /// Reads, changes and replaces the file while nobody else does.
    ///
    /// # Errors
    /// As `change` says, or the file cannot be read or written.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut Vec<T>) -> Result<(), SecretError>,
    ) -> Result<(), SecretError> {
        if let Some(folder) = self.path.parent() {
            crate::gate::create_private(folder).map_err(|error| self.failed(error))?;
        }
        let _lock = self.lock().map_err(|error| self.failed(error))?;
        // A file that is gone is begun anew: what that makes still has to be presented.
        let mut entries = self.stored()?.as_ref().clone();
        change(&mut entries)?;
        if !entries.is_empty() {
            // Before the file: a crash in between leaves nobody let in.
            self.leave_mark().map_err(|error| self.failed(error))?;
        }
        let text = serde_json::to_vec_pretty(&entries).map_err(|error| self.failed(error))?;
        replace(&self.path, &text).map_err(|error| self.failed(error))
    }

    fn failed(&self, problem: impl std::fmt::Display) -> SecretError {
        SecretError::File {
            path: self.path.clone(),
            problem: problem.to_string(),
        }
    }

    fn lock(&self) -> std::io::Result<File> {
        let name = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let file = options.open(self.path.with_file_name(format!(".{name}.lock")))?;
        file.lock()?;
        Ok(file)
    }
}

/// A new secret of 256 random bits, and what is kept of it. The prefix tells scanners for leaked secrets
/// what it is.
///
/// # Errors
/// [`KeyError::Random`].
pub(crate) fn new_secret(prefix: &str) -> Result<(Zeroizing<String>, Digest), KeyError> {
    let mut bits = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bits).map_err(KeyError::Random)?;
    let encoded = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*bits));
    let secret = Zeroizing::new(format!("{prefix}{}", *encoded));
    let hash = Digest::of(secret.as_bytes());
    Ok((secret, hash))
}

/// # Errors
/// [`SecretError::Name`].
pub(crate) fn check_name(name: &str) -> Result<(), SecretError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
        return Err(SecretError::Name(name.chars().take(64).collect()));
    }
    Ok(())
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let scratch = path.with_file_name(format!(".new-{}", uuid::Uuid::new_v4()));
    let written = write_private(&scratch, bytes).and_then(|()| std::fs::rename(&scratch, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&scratch);
    }
    written
}

/// Whether nothing is there. A link to nowhere, at the end or on the way, is something that cannot be read.
fn is_absent(path: &Path) -> bool {
    for place in path.ancestors() {
        match place.symlink_metadata() {
            Ok(_) => return place != path && place.is_dir(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => return false,
        }
    }
    true
}

fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}
