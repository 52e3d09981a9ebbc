//! The key that signs now, where it may change while a process runs.

use std::fmt;
#[cfg(feature = "cli")]
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "cli")]
use std::sync::{Mutex, PoisonError};
#[cfg(feature = "cli")]
use std::time::{Duration, Instant};

#[cfg(feature = "cli")]
use super::jwk::Jwks;
#[cfg(feature = "cli")]
use super::keys::SigningKeys;
use super::signer::DecisionSigner;

/// How long what was read counts.
#[cfg(feature = "cli")]
const FOR: Duration = Duration::from_secs(5);

/// Gives the key that signs now.
#[derive(Clone)]
pub(crate) enum KeyInForce {
    /// For as long as the process runs.
    Fixed(Arc<DecisionSigner>),
    /// As the folder has it.
    #[cfg(feature = "cli")]
    Read(Arc<KeyFolder>),
}

impl KeyInForce {
    pub(crate) fn signer(&self) -> Arc<DecisionSigner> {
        match self {
            Self::Fixed(signer) => Arc::clone(signer),
            #[cfg(feature = "cli")]
            Self::Read(folder) => folder.signer(),
        }
    }
}

impl fmt::Debug for KeyInForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyInForce")
            .field(&self.signer().kid())
            .finish()
    }
}

/// A folder of keys that is read anew from time to time: `aport-gate keys rotate`, or another registry of the
/// same home, may have made one.
#[cfg(feature = "cli")]
pub(crate) struct KeyFolder {
    folder: PathBuf,
    /// A new key is published for so long before it signs: those who keep the published keys know it by then.
    new_key_after: Duration,
    read: Mutex<Read>,
}

#[cfg(feature = "cli")]
struct Read {
    at: Instant,
    published: Arc<Jwks>,
    signer: Arc<DecisionSigner>,
}

#[cfg(feature = "cli")]
impl Read {
    fn now(keys: &SigningKeys, new_key_after: Duration) -> Self {
        Self {
            at: Instant::now(),
            published: Arc::new(keys.jwks()),
            signer: Arc::new(keys.signer_known_for(new_key_after).clone()),
        }
    }
}

#[cfg(feature = "cli")]
impl KeyFolder {
    pub(crate) fn new(folder: PathBuf, keys: &SigningKeys, new_key_after: Duration) -> Self {
        Self {
            folder,
            new_key_after,
            read: Mutex::new(Read::now(keys, new_key_after)),
        }
    }

    /// Every key that may have signed, the newest first.
    pub(crate) fn published(&self) -> Arc<Jwks> {
        self.with(|read| Arc::clone(&read.published))
    }

    fn signer(&self) -> Arc<DecisionSigner> {
        self.with(|read| Arc::clone(&read.signer))
    }

    /// Both are of one reading: nothing signs that is not published.
    fn with<T>(&self, look: impl FnOnce(&Read) -> T) -> T {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.at.elapsed() > FOR {
            match SigningKeys::existing(&self.folder) {
                Ok(Some(keys)) => {
                    let now = Read::now(&keys, self.new_key_after);
                    if now.signer.kid() != read.signer.kid() {
                        tracing::info!(kid = now.signer.kid(), "another key signs from now on");
                    }
                    *read = now;
                }
                Ok(None) => read.at = Instant::now(),
                Err(error) => {
                    tracing::error!(%error, "the keys as last read stay in force");
                    read.at = Instant::now();
                }
            }
        }
        look(&read)
    }
}
