//! The keys that callers of a registry hold: only their hashes are stored.

use std::path::PathBuf;
use std::sync::Arc;

use aport_gate_oap::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret_file::{Entry, SecretError, SecretFile, check_name, new_secret};

const FILE: &str = "registry-keys.json";
/// What a key begins with, so that scanners for leaked secrets know one.
const PREFIX: &str = "apgk_";

/// The file `APORT_HOME/keys/registry-keys.json`.
pub(crate) struct KeyRing(SecretFile<CallerKey>);

/// One key, without the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallerKey {
    /// Name for people and for metrics.
    pub(crate) name: String,
    /// Whether it may issue passports and change their status.
    pub(crate) admin: bool,
    /// Hash of the key.
    sha256: Digest,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked_at: Option<Timestamp>,
}

impl Entry for CallerKey {
    fn sha256(&self) -> &Digest {
        &self.sha256
    }

    fn is_in_force(&self) -> bool {
        self.revoked_at.is_none()
    }
}

/// Why the keys cannot be used or changed.
#[derive(Debug, thiserror::Error)]
#[error("the keys of callers: {0}")]
pub(crate) struct KeyRingError(#[from] SecretError);

impl KeyRing {
    /// `folder` is `APORT_HOME/keys`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(SecretFile::new(folder.join(FILE)))
    }

    /// All keys, revoked ones too.
    ///
    /// # Errors
    /// The file is there but cannot be read, or it is gone although keys were made: then nobody's key counts.
    pub(crate) fn all(&self) -> Result<Arc<Vec<CallerKey>>, KeyRingError> {
        Ok(self.0.all()?)
    }

    /// The key in force that this text is, if it is one. Takes the same time whichever it is.
    ///
    /// # Errors
    /// As [`KeyRing::all`].
    pub(crate) fn find(&self, key: &str) -> Result<Option<CallerKey>, KeyRingError> {
        Ok(self.0.find(key)?)
    }

    /// Makes a key and tells it, once.
    ///
    /// # Errors
    /// The name is taken or none, or the file cannot be written.
    pub(crate) fn add(&self, name: &str, admin: bool) -> Result<Zeroizing<String>, KeyRingError> {
        check_name(name)?;
        let (key, sha256) = new_secret(PREFIX).map_err(SecretError::Key)?;
        self.0.change(|keys| {
            if keys.iter().any(|key| key.name == name && key.is_in_force()) {
                return Err(SecretError::Taken(name.to_owned()));
            }
            keys.push(CallerKey {
                name: name.to_owned(),
                admin,
                sha256,
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
        Ok(self.0.change(|keys| {
            let mut in_force = keys.iter_mut().filter(|key| key.is_in_force());
            let key = in_force
                .find(|key| key.name == name)
                .ok_or_else(|| SecretError::Unknown(name.to_owned()))?;
            key.revoked_at = Some(Timestamp::now());
            Ok(())
        })?)
    }
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
        assert!(ring.add("desk", true).is_err(), "its name is taken");
        let text = std::fs::read_to_string(home.path().join("keys").join(FILE)).unwrap();
        assert!(!text.contains(key.trim_start_matches(PREFIX)), "{text}");
        let other = KeyRing::new(home.path().join("keys"));
        other.revoke("desk").unwrap();
        assert!(ring.find(&key).unwrap().is_none());
        assert!(ring.add("desk", false).is_ok(), "its name is free again");
        assert!(ring.revoke("x").is_err());
        assert!(ring.add("", false).is_err());
    }

    #[test]
    fn a_damaged_file_lets_nobody_in() {
        let home = tempfile::tempdir().unwrap();
        let ring = KeyRing::new(home.path().join("keys"));
        let key = ring.add("desk", true).unwrap();
        std::fs::write(home.path().join("keys").join(FILE), "[").unwrap();
        assert!(ring.find(&key).is_err());
        assert!(ring.add("other", true).is_err());
    }
}
