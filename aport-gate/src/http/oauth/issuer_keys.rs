//! Where an issuer's keys come from, and for how long they count.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use reqwest::{Client, Url, redirect};
use tokio::sync::Mutex;

use super::access_token::Unverified;
use super::key_set::KeySet;
use crate::bounded_file;
use crate::remote::{is_loopback, tls_config};

/// Largest key set, in bytes.
const LARGEST: usize = 256 * 1024;
/// Keys are fetched anew after this time: one that the issuer took back counts no longer.
const FRESH: Duration = Duration::from_secs(300);
/// As long as the issuer cannot be asked, the last keys count for so long.
const STALE: Duration = Duration::from_secs(3600);
/// A key id that is not known makes the server ask again, at most this often: whoever sends a token
/// chooses the id.
const BETWEEN_REFETCHES: Duration = Duration::from_secs(30);
/// After keys could not be had.
const BETWEEN_FAILURES: Duration = Duration::from_secs(1);
/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

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

pub(super) struct Published {
    client: Client,
    url: Url,
    known: RwLock<Option<Known>>,
    asking: Mutex<Asked>,
}

#[derive(Clone)]
struct Known {
    keys: Arc<KeySet>,
    at: Instant,
}

#[derive(Default)]
struct Asked {
    for_unknown_key: Option<Instant>,
    failed: Option<Instant>,
}

/// The keys cannot be had now; the log says why.
#[derive(Debug)]
pub(super) struct NoKeys;

impl IssuerKeys {
    /// `place` is an URL, or else a file.
    ///
    /// # Errors
    /// It cannot be used, and why.
    pub(super) fn new(place: &str, authorities: Option<&PathBuf>) -> Result<Self, String> {
        if !place.contains("://") {
            let file = KeyFile {
                path: place.into(),
                known: RwLock::default(),
            };
            file.read()?;
            return Ok(Self::File(file));
        }
        let url = Url::parse(place).map_err(|error| format!("`{place}` is no URL: {error}"))?;
        let here = url.host_str().is_some_and(is_loopback);
        if url.scheme() != "https" && !(url.scheme() == "http" && here) {
            return Err(format!(
                "`{place}` must begin with `https://`: anybody on the way could publish a key of their own"
            ));
        }
        let tls = tls_config(url.scheme() == "https", authorities.map(PathBuf::as_path))
            .map_err(|error| error.to_string())?;
        let mut client = Client::builder()
            .user_agent(concat!("aport-gate/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .timeout(TIMEOUT)
            .tls_backend_preconfigured(tls);
        if here {
            client = client.no_proxy();
        }
        Ok(Self::Published(Published {
            client: client.build().map_err(|error| error.to_string())?,
            url,
            known: RwLock::default(),
            asking: Mutex::default(),
        }))
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

impl Published {
    async fn keys_for(&self, token: &Unverified<'_>) -> Result<Arc<KeySet>, NoKeys> {
        let fits = |known: &Known| known.at.elapsed() < FRESH && token.is_known_to(&known.keys);
        if let Some(known) = self.known().filter(fits) {
            return Ok(known.keys);
        }
        let mut asked = self.asking.lock().await;
        // Another request may have asked meanwhile.
        let last = self.known();
        if let Some(known) = &last
            && known.at.elapsed() < FRESH
        {
            let recently = |at: Instant| at.elapsed() < BETWEEN_REFETCHES;
            if token.is_known_to(&known.keys) || asked.for_unknown_key.is_some_and(recently) {
                return Ok(Arc::clone(&known.keys));
            }
            asked.for_unknown_key = Some(Instant::now());
        }
        let just_failed = |at: Instant| at.elapsed() < BETWEEN_FAILURES;
        if !asked.failed.is_some_and(just_failed) {
            match self.fetch().await {
                Ok(keys) => {
                    asked.failed = None;
                    return Ok(self.keep(keys));
                }
                Err(problem) => {
                    tracing::warn!(%problem, "the issuer's keys cannot be had");
                    asked.failed = Some(Instant::now());
                }
            }
        }
        let last = last.filter(|known| known.at.elapsed() < STALE);
        last.map(|known| known.keys).ok_or(NoKeys)
    }

    fn known(&self) -> Option<Known> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keep(&self, keys: KeySet) -> Arc<KeySet> {
        let keys = Arc::new(keys);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Known {
            keys: Arc::clone(&keys),
            at: Instant::now(),
        });
        keys
    }

    async fn fetch(&self) -> Result<KeySet, String> {
        let told = |error: reqwest::Error| error.without_url().to_string();
        let asking = self.client.get(self.url.clone()).send();
        let mut answer = asking.await.map_err(told)?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(format!(
                "they were answered with status {}",
                answer.status()
            ));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(told)? {
            if body.len().saturating_add(chunk.len()) > LARGEST {
                return Err(format!("they have more than {LARGEST} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        KeySet::parse(&body)
    }
}
