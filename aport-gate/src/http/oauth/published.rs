//! The keys that an issuer publishes: known ones serve while they are asked for anew.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::access_token::Unverified;
use super::discovery;
use super::fetch::{Fetch, safe_url};
use super::issuer_keys::NoKeys;
use super::key_set::KeySet;

/// For how long keys count, and how often an issuer is asked.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// Keys are asked for anew after this time: one that the issuer took back counts no longer.
    fresh: Duration,
    /// After this time requests wait a little for that, as after a night without any: a key may have been
    /// taken back long ago.
    overdue: Duration,
    /// So long.
    patience: Duration,
    /// As long as the issuer cannot be asked, the last keys count for so long.
    stale: Duration,
    /// A key id that is not known makes the server ask again, at most this often: whoever sends a token
    /// chooses the id.
    between_unknown: Duration,
    /// After keys could not be had, while others still count.
    between_failures: Duration,
    /// After keys could not be had, and none count.
    without_keys: Duration,
}

const TIMES: Times = Times {
    fresh: Duration::from_secs(300),
    overdue: Duration::from_secs(600),
    patience: Duration::from_millis(500),
    stale: Duration::from_secs(3600),
    between_unknown: Duration::from_secs(30),
    between_failures: Duration::from_secs(30),
    without_keys: Duration::from_secs(1),
};

/// Where the keys are.
enum Place {
    At(Url),
    /// Where the issuer's metadata says.
    Of(String),
}

pub(super) struct Published(Arc<Shared>);

struct Shared {
    fetch: Fetch,
    place: Place,
    times: Times,
    known: RwLock<Option<Known>>,
    /// Whoever holds it is the one that asks.
    asking: Arc<Mutex<Asked>>,
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

impl Published {
    /// # Errors
    /// The place cannot be used, and why.
    pub(super) fn at(url: &str, authorities: Option<&Path>) -> Result<Self, String> {
        let url = safe_url(url)?;
        let fetch = Fetch::new(&url, authorities)?;
        Ok(Self::new(fetch, Place::At(url), TIMES))
    }

    /// # Errors
    /// The issuer cannot be asked, and why.
    pub(super) fn of(issuer: &str, authorities: Option<&Path>) -> Result<Self, String> {
        discovery::places(issuer)?;
        let fetch = Fetch::new(&safe_url(issuer)?, authorities)?;
        Ok(Self::new(fetch, Place::Of(issuer.to_owned()), TIMES))
    }

    fn new(fetch: Fetch, place: Place, times: Times) -> Self {
        Self(Arc::new(Shared {
            fetch,
            place,
            times,
            known: RwLock::default(),
            asking: Arc::default(),
        }))
    }

    /// The keys to look at this token with. A token whose key is known does not wait for an issuer that
    /// does not answer.
    pub(super) async fn keys_for(&self, token: &Unverified<'_>) -> Result<Arc<KeySet>, NoKeys> {
        let (shared, times) = (&self.0, &self.0.times);
        let came = Instant::now();
        if let Some(known) = shared.counting()
            && known.at.elapsed() >= times.fresh
        {
            shared.ask_beside();
            if known.at.elapsed() >= times.overdue {
                // Free as soon as the issuer has answered, and while it is not asked.
                let _ = timeout(times.patience, shared.asking.lock()).await;
            }
        }
        if let Some(known) = shared.counting()
            && token.is_known_to(&known.keys)
        {
            return Ok(known.keys);
        }
        let mut asked = shared.asking.lock().await;
        let answered_since = |at: Instant| at >= came;
        let pause = match shared.counting() {
            // Another request asked meanwhile.
            Some(known) if token.is_known_to(&known.keys) || answered_since(known.at) => {
                return Ok(known.keys);
            }
            Some(known) => {
                let lately = |at: Instant| at.elapsed() < times.between_unknown;
                if asked.for_unknown_key.is_some_and(lately) {
                    return Ok(known.keys);
                }
                asked.for_unknown_key = Some(Instant::now());
                times.between_failures
            }
            None => times.without_keys,
        };
        let waits = |at: Instant| answered_since(at) || at.elapsed() < pause;
        if !asked.failed.is_some_and(waits) {
            shared.ask(&mut asked).await;
        }
        shared.counting().map(|known| known.keys).ok_or(NoKeys)
    }

    /// What the issuer publishes now.
    ///
    /// # Errors
    /// Why it cannot be had.
    #[cfg(feature = "cli")]
    pub(super) async fn now(&self) -> Result<KeySet, String> {
        self.0.asked_for().await
    }
}

impl Shared {
    /// The last keys, as long as they count.
    fn counting(&self) -> Option<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let counts = |known: &&Known| known.at.elapsed() < self.times.stale;
        known.as_ref().filter(counts).cloned()
    }

    /// Asks while requests go on with the keys that are known, unless somebody does already.
    fn ask_beside(self: &Arc<Self>) {
        let Ok(mut asked) = Arc::clone(&self.asking).try_lock_owned() else {
            return;
        };
        let lately = |at: Instant| at.elapsed() < self.times.between_failures;
        if asked.failed.is_some_and(lately) {
            return;
        }
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            // The one before may have been done since its keys were looked at.
            let known = shared.counting();
            if known.is_none_or(|known| known.at.elapsed() >= shared.times.fresh) {
                shared.ask(&mut asked).await;
            }
        });
    }

    async fn ask(&self, asked: &mut Asked) {
        match self.asked_for().await {
            Ok(keys) => {
                asked.failed = None;
                let known = Known {
                    keys: Arc::new(keys),
                    at: Instant::now(),
                };
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
            }
            Err(problem) => {
                tracing::warn!(%problem, "the issuer's keys cannot be had");
                asked.failed = Some(Instant::now());
            }
        }
    }

    async fn asked_for(&self) -> Result<KeySet, String> {
        let found;
        let url = match &self.place {
            Place::At(url) => url,
            Place::Of(issuer) => {
                found = discovery::keys_url(&self.fetch, issuer).await?;
                &found
            }
        };
        let bytes = self.fetch.get(url).await;
        let bytes = bytes.map_err(|failed| failed.told(url))?;
        KeySet::parse(&bytes).map_err(|problem| format!("`{url}`: {problem}"))
    }
}

#[cfg(test)]
mod tests;
