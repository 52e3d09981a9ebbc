//! Where an issuer's keys come from.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use super::access_token::Unverified;
use super::fetch::LARGEST;
use super::key_set::KeySet;
use super::published::Published;
use super::settings::OAuthOptions;
use crate::bounded_file;

/// Where the keys are.
pub(super) enum IssuerKeys {
    /// A file of the operator's, read anew for every request that needs it.
    File(KeyFile),
    /// What the issuer publishes.
    Published(Published),
}

pub(super) struct KeyFile {
    path: PathBuf,
    known: RwLock<Option<(Vec<u8>, Arc<KeySet>)>>,
}

/// The keys cannot be had now; the log says why.
#[derive(Debug)]
pub(super) struct NoKeys;

impl IssuerKeys {
    /// # Errors
    /// Their place cannot be used, and why.
    pub(super) fn new(options: &OAuthOptions) -> Result<Self, String> {
        let authorities = options.authorities.as_deref();
        match options.keys.as_deref() {
            None => Published::of(&options.issuer, authorities).map(Self::Published),
            Some(url) if url.contains("://") => {
                Published::at(url, authorities).map(Self::Published)
            }
            Some(path) => {
                let file = KeyFile {
                    path: path.into(),
                    known: RwLock::default(),
                };
                file.read()?;
                Ok(Self::File(file))
            }
        }
    }

    /// The keys to look at this token with.
    pub(super) async fn keys_for(&self, token: &Unverified<'_>) -> Result<Arc<KeySet>, NoKeys> {
        match self {
            Self::File(file) => file.read().map_err(|problem| {
                tracing::error!(%problem, "the issuer's keys cannot be read; no token of it counts");
                NoKeys
            }),
            Self::Published(published) => published.keys_for(token).await,
        }
    }

    /// The keys as they are now.
    ///
    /// # Errors
    /// Why they cannot be had.
    #[cfg(feature = "cli")]
    pub(super) async fn now(&self) -> Result<Arc<KeySet>, String> {
        match self {
            Self::File(file) => file.read(),
            Self::Published(published) => published.now().await.map(Arc::new),
        }
    }
}

impl KeyFile {
    fn read(&self) -> Result<Arc<KeySet>, String> {
        let wrong = |problem: String| format!("key set `{}`: {problem}", self.path.display());
        let bytes = bounded_file::read(&self.path, LARGEST as u64)
            .map_err(|error| wrong(error.to_string()))?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, keys)) = known.as_ref()
            && *read == bytes
        {
            return Ok(Arc::clone(keys));
        }
        drop(known);
        let keys = Arc::new(KeySet::parse(&bytes).map_err(wrong)?);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) =
            Some((bytes, Arc::clone(&keys)));
        Ok(keys)
    }
}
