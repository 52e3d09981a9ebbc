//! The keys that callers of a registry hold: only their hashes are stored.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aport_gate_oap::Digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::bounded_file;
use crate::signing::KeyError;
use crate::signing::key_file::write_private;

const FILE: &str = "registry-keys.json";
const LOCK: &str = ".registry-keys.lock";
/// Largest file of keys, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;
/// What a key begins with, so that scanners for leaked secrets know one.
const PREFIX: &str = "apgk_";

/// The file `APORT_HOME/keys/registry-keys.json`. It is read anew for every request that needs it:
/// a revocation counts from the next one on.
pub(crate) struct KeyRing {
    folder: PathBuf,
    known: Mutex<Option<Known>>,
}

/// The file as last read, and what it says.
type Known = (Vec<u8>, Arc<Vec<CallerKey>>);

/// One key, without the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallerKey {
    /// Name for people and for metrics.
    pub(crate) name: String,
    /// Whether it may issue passports and change their status.
    pub(crate) admin: bool,
    /// Hash of the key: 256 random bits need no slow one.
    sha256: Digest,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked_at: Option<Timestamp>,
}

/// Why the keys cannot be used or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyRingError {
    /// The file cannot be read or written.
    #[error("`{}` cannot be used for the keys of callers: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// A name that cannot be one.
    #[error("`{0}` is no name for a key; use 1 to 64 letters, digits, `.`, `_` or `-`")]
    Name(String),
    /// The name is taken.
    #[error("there is a key named `{0}` already; revoke it or choose another name")]
    Taken(String),
    /// There is no such key.
    #[error("there is no key named `{0}` in force")]
    Unknown(String),
    /// Signing and calling keys share a folder.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl KeyRing {
    /// `folder` is `APORT_HOME/keys`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            known: Mutex::default(),
        }
    }

    /// All keys, revoked ones too.
    ///
    /// # Errors
    /// The file is there but cannot be read: then nobody's key counts.
    pub(crate) fn all(&self) -> Result<Arc<Vec<CallerKey>>, KeyRingError> {
        let bytes = match bounded_file::read(&self.path(), MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Arc::default()),
            Err(error) => return Err(self.failed(error)),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, keys)) = known.as_ref()
            && *read == bytes
        {
            return Ok(Arc::clone(keys));
        }
        let keys: Arc<Vec<CallerKey>> = Arc::new(
            serde_json::from_slice(&bytes)
                .map_err(|error| self.failed(format!("it is damaged: {error}")))?,
        );
        *known = Some((bytes, Arc::clone(&keys)));
        Ok(keys)
    }

    /// The key in force that this text is, if it is one. Takes the same time whichever it is.
    ///
    /// # Errors
    /// As [`KeyRing::all`].
    pub(crate) fn find(&self, key: &str) -> Result<Option<CallerKey>, KeyRingError> {
        let hash = Digest::of(key.as_bytes());
        let mut found = None;
        for candidate in self.all()?.iter() {
            if same(candidate.sha256.as_bytes(), hash.as_bytes()) && candidate.is_in_force() {
                found = Some(candidate.clone());
            }
        }
        Ok(found)
    }

    /// Makes a key and tells it, once.
    ///
    /// # Errors
    /// The name is taken or none, or the file cannot be written.
    pub(crate) fn add(&self, name: &str, admin: bool) -> Result<Zeroizing<String>, KeyRingError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !(1..=64).contains(&name.len()) || !name.chars().all(fits) {
            return Err(KeyRingError::Name(name.chars().take(64).collect()));
        }
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(KeyError::Random)?;
        let encoded = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*secret));
        let key = Zeroizing::new(format!("{PREFIX}{}", *encoded));
        self.change(|keys| {
            if keys.iter().any(|key| key.name == name && key.is_in_force()) {
                return Err(KeyRingError::Taken(name.to_owned()));
            }
            keys.push(CallerKey {
                name: name.to_owned(),
                admin,
                sha256: Digest::of(key.as_bytes()),
                created_at: Timestamp::now(),
                revoked_at: None,
            });
            Ok(())
        })?;
        Ok(key)
    }

    /// Revokes a key; running registries refuse it from their next request on.
    ///
    /// # Errors
    /// There is none of that name in force, or the file cannot be written.
    pub(crate) fn revoke(&self, name: &str) -> Result<(), KeyRingError> {
        self.change(|keys| {
            let mut in_force = keys.iter_mut().filter(|key| key.is_in_force());
            let key = in_force
                .find(|key| key.name == name)
                .ok_or_else(|| KeyRingError::Unknown(name.to_owned()))?;
            key.revoked_at = Some(Timestamp::now());
            Ok(())
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    fn failed(&self, problem: impl std::fmt::Display) -> KeyRingError {
        KeyRingError::File {
            path: self.path(),
            problem: problem.to_string(),
        }
    }

    /// Reads, changes and replaces the file while nobody else does.
    fn change(
        &self,
        change: impl FnOnce(&mut Vec<CallerKey>) -> Result<(), KeyRingError>,
    ) -> Result<(), KeyRingError> {
        crate::gate::create_private(&self.folder).map_err(|error| self.failed(error))?;
        let _lock = self.lock().map_err(|error| self.failed(error))?;
        let mut keys = self.all()?.as_ref().clone();
        change(&mut keys)?;
        let text = serde_json::to_vec_pretty(&keys).map_err(|error| self.failed(error))?;
        replace(&self.path(), &text).map_err(|error| self.failed(error))
    }

    fn lock(&self) -> std::io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let file = options.open(self.folder.join(LOCK))?;
        file.lock()?;
        Ok(file)
    }
}

impl CallerKey {
    pub(crate) fn is_in_force(&self) -> bool {
        self.revoked_at.is_none()
    }
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let scratch = path.with_file_name(format!(".new-{}", uuid::Uuid::new_v4()));
    let written = write_private(&scratch, bytes).and_then(|()| std::fs::rename(&scratch, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&scratch);
    }
    written
}

fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_counts_until_it_is_revoked_and_is_nowhere_in_the_file() {
        let home = tempfile::tempdir().unwrap();
        let ring = KeyRing::new(home.path().join("keys"));
        assert!(ring.find("apgk_").unwrap().is_none());
        let key = ring.add("desk", false).unwrap();
        assert_eq!(ring.find(&key).unwrap().unwrap().name, "desk");
        assert!(ring.find(&format!("{}x", *key)).unwrap().is_none());
        assert!(matches!(
            ring.add("desk", true),
            Err(KeyRingError::Taken(_))
        ));
        let text = std::fs::read_to_string(ring.path()).unwrap();
        assert!(!text.contains(key.trim_start_matches(PREFIX)), "{text}");
        let other = KeyRing::new(home.path().join("keys"));
        other.revoke("desk").unwrap();
        assert!(ring.find(&key).unwrap().is_none());
        assert!(ring.add("desk", false).is_ok(), "its name is free again");
        assert!(matches!(ring.revoke("x"), Err(KeyRingError::Unknown(_))));
        assert!(matches!(ring.add("", false), Err(KeyRingError::Name(_))));
    }

    #[test]
    fn a_damaged_file_lets_nobody_in() {
        let home = tempfile::tempdir().unwrap();
        let ring = KeyRing::new(home.path().join("keys"));
        let key = ring.add("desk", true).unwrap();
        std::fs::write(ring.path(), "[").unwrap();
        assert!(ring.find(&key).is_err());
        assert!(ring.add("other", true).is_err());
    }
}
