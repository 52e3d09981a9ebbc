//! The secret under the digests of redacted values.
//!
//! A bare SHA-256 of a PIN is found by trying all PINs. Under a secret that log, record and answer do
//! not hold, it is not.

use std::path::PathBuf;
use std::sync::OnceLock;

use aport_gate_oap::{CanonicalError, canonical_json};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::gate::create_private;
use crate::signing::KeyError;
use crate::signing::key_file::{create_private_file, read_private};

/// Length of the secret, in bytes.
const LENGTH: usize = 32;

/// `APORT_HOME/keys/redaction.key`, made by the first call of a tool that redacts.
#[derive(Debug)]
pub(crate) struct RedactionKeyFile {
    path: PathBuf,
    key: OnceLock<RedactionKey>,
}

/// The secret itself.
#[derive(Clone)]
pub(crate) struct RedactionKey(Hmac<Sha256>);

/// Why there is no secret to redact under.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRedactionKey {
    #[error(transparent)]
    Folder(#[from] Error),
    #[error(transparent)]
    File(#[from] KeyError),
}

impl RedactionKeyFile {
    /// The file in the folder `keys`.
    pub(crate) fn new(keys: PathBuf) -> Self {
        Self {
            path: keys.join("redaction.key"),
            key: OnceLock::new(),
        }
    }

    /// The secret. Processes that make it together agree on one.
    pub(crate) fn key(&self) -> Result<&RedactionKey, NoRedactionKey> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        if !self.path.exists() {
            if let Some(folder) = self.path.parent() {
                create_private(folder)?;
            }
            let mut secret = Zeroizing::new([0; LENGTH]);
            getrandom::fill(&mut *secret).map_err(KeyError::Random)?;
            create_private_file(&self.path, &*secret)?;
        }
        let bytes = read_private(&self.path)?;
        // HMAC itself takes a key of any length.
        let keyed = Some(&*bytes).filter(|bytes| bytes.len() == LENGTH);
        let keyed = keyed.and_then(|bytes| <Hmac<Sha256>>::new_from_slice(bytes).ok());
        let keyed = keyed.ok_or_else(|| KeyError::Damaged {
            path: self.path.clone(),
            problem: "it is not 32 bytes; restore it, or remove it and a new one is made",
        })?;
        Ok(self.key.get_or_init(|| RedactionKey(keyed)))
    }
}

impl RedactionKey {
    /// `hmac-sha256:` and 64 hexadecimal digits, over the RFC 8785 form of the value.
    pub(crate) fn digest(&self, value: &Value) -> Result<String, CanonicalError> {
        let canonical = Zeroizing::new(canonical_json(value)?);
        let mut mac = self.0.clone();
        mac.update(&canonical);
        let hex: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(format!("hmac-sha256:{hex}"))
    }
}

impl std::fmt::Debug for RedactionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedactionKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_value_has_one_digest_for_every_process_of_a_home_and_another_elsewhere() {
        let [home, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let digest = |folder: &tempfile::TempDir| {
            let file = RedactionKeyFile::new(folder.path().join("keys"));
            file.key().unwrap().digest(&json!("1234")).unwrap()
        };
        assert_eq!(digest(&home), digest(&home));
        assert_ne!(digest(&home), digest(&other));
    }

    #[test]
    fn the_digest_is_the_published_hmac() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("redaction.key");
        create_private_file(&path, &[0x0b; LENGTH]).unwrap();
        let file = RedactionKeyFile::new(home.path().to_owned());
        // As `openssl dgst -sha256 -mac HMAC` has it for the canonical form, quotes included.
        assert_eq!(
            file.key().unwrap().digest(&json!("Hi There")).unwrap(),
            "hmac-sha256:6e003fc6371ce81363a33ce3cfa4d419a721b38a715d471f343a655ae44770df"
        );
        assert!(!format!("{file:?}").contains("11, 11"));
    }

    #[test]
    fn a_damaged_or_open_key_is_refused_and_not_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("redaction.key");
        create_private_file(&path, b"short").unwrap();
        let file = RedactionKeyFile::new(home.path().to_owned());
        assert!(file.key().unwrap_err().to_string().contains("32 bytes"));
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
    }
}
