//! The registry's public keys, fetched and kept.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aport_gate_oap::parse_json;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::base_url::BaseUrl;
use super::error::{RegistryError, shown};
use super::exchange::{Connections, Reply, Request};
use crate::signing::{DecisionVerifier, Jwks, SignatureError};

/// A key that the registry took back counts no longer than this.
const FRESH: Duration = Duration::from_secs(300);
/// A key id that nobody knows makes the gate fetch the keys again, at most this often: an attacker chooses ids.
const BETWEEN_REFETCHES: Duration = Duration::from_secs(30);
/// After keys could not be had.
const BETWEEN_FAILURES: Duration = Duration::from_secs(1);
const MOST_KEYS: usize = 100;

#[derive(Debug, Default)]
pub(super) struct KeyCache {
    /// The operator's own: nothing that is fetched counts beside them.
    pinned: Option<Arc<DecisionVerifier>>,
    fetched: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: Option<(Arc<DecisionVerifier>, Instant)>,
    refetched: Option<Instant>,
    failed: Option<(RegistryError, Instant)>,
}

impl KeyCache {
    /// With the keys of this file, if one is named.
    ///
    /// # Errors
    /// [`RegistryError::Setup`]: it is no key set, or there is no key in it.
    pub(super) fn new(pinned: Option<&Path>) -> Result<Self, RegistryError> {
        let pinned = pinned.map(from_file).transpose()?;
        Ok(Self {
            pinned: pinned.map(Arc::new),
            fetched: Mutex::default(),
        })
    }

    /// Whether an operator named the keys.
    pub(super) fn are_pinned(&self) -> bool {
        self.pinned.is_some()
    }

    /// Checks a document's signature with the registry's keys.
    ///
    /// # Errors
    /// There is no key, or the signature is not one of them over this document.
    pub(super) async fn verify(
        &self,
        connections: &Connections,
        base: &BaseUrl,
        document: &Value,
        deadline: Instant,
    ) -> Result<(), RegistryError> {
        if let Some(keys) = &self.pinned {
            return keys.verify_document(document).map(|_| ()).map_err(refusal);
        }
        let keys = self.keys(connections, base, deadline).await?;
        match keys.verify_document(document) {
            Ok(_) => Ok(()),
            Err(SignatureError::UnknownKey { kid }) => {
                match self.refetched(connections, base, deadline).await? {
                    None => Err(RegistryError::UnknownKey(shown(&kid))),
                    Some(keys) => keys.verify_document(document).map(|_| ()).map_err(refusal),
                }
            }
            Err(error) => Err(refusal(error)),
        }
    }

    async fn keys(
        &self,
        connections: &Connections,
        base: &BaseUrl,
        deadline: Instant,
    ) -> Result<Arc<DecisionVerifier>, RegistryError> {
        let mut state = self.fetched.lock().await;
        match &state.known {
            Some((keys, fetched)) if fetched.elapsed() < FRESH => Ok(Arc::clone(keys)),
            _ => state.fetch(connections, base, deadline).await,
        }
    }

    /// Newer keys than those that were just looked into, if it is time for some.
    async fn refetched(
        &self,
        connections: &Connections,
        base: &BaseUrl,
        deadline: Instant,
    ) -> Result<Option<Arc<DecisionVerifier>>, RegistryError> {
        let mut state = self.fetched.lock().await;
        if state
            .refetched
            .is_some_and(|at| at.elapsed() < BETWEEN_REFETCHES)
        {
            // Another call may have fetched what this one lacks.
            let newer = state.known.as_ref().map(|(keys, _)| Arc::clone(keys));
            return Ok(newer);
        }
        state.refetched = Some(Instant::now());
        state.fetch(connections, base, deadline).await.map(Some)
    }
}

impl State {
    async fn fetch(
        &mut self,
        connections: &Connections,
        base: &BaseUrl,
        deadline: Instant,
    ) -> Result<Arc<DecisionVerifier>, RegistryError> {
        if let Some((error, at)) = &self.failed
            && at.elapsed() < BETWEEN_FAILURES
        {
            return Err(error.clone());
        }
        match fetch(connections, base, deadline).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                self.failed = None;
                self.known = Some((Arc::clone(&keys), Instant::now()));
                Ok(keys)
            }
            Err(error) => {
                tracing::warn!(%error, "the registry's signing keys cannot be had");
                self.failed = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }
}

async fn fetch(
    connections: &Connections,
    base: &BaseUrl,
    deadline: Instant,
) -> Result<DecisionVerifier, RegistryError> {
    let ask = |segments: &'static [&'static str]| async move {
        let request = Request {
            method: Method::GET,
            url: base.at(segments),
            headers: HeaderMap::new(),
            body: Vec::new(),
        };
        connections
            .exchange(request, deadline)
            .await
            .map_err(|error| RegistryError::Keys(error.to_string()))
    };
    let mut reply = ask(&[".well-known", "oap", "jwks.json"]).await?;
    if reply.status == 404 {
        reply = ask(&["jwks.json"]).await?;
    }
    read(&reply)
}

pub(super) fn from_file(path: &Path) -> Result<DecisionVerifier, RegistryError> {
    let wrong = |problem: String| {
        RegistryError::Setup(format!(
            "the file of keys `{}` (APORT_JWKS_FILE) cannot be used: {problem}",
            path.display()
        ))
    };
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let value = parse_json(&bytes).map_err(|error| wrong(format!("as JSON: {error}")))?;
    let keys = verifier(value).map_err(wrong)?;
    if keys.is_empty() {
        return Err(wrong("it has no Ed25519 key".to_owned()));
    }
    Ok(keys)
}

pub(super) fn read(reply: &Reply) -> Result<DecisionVerifier, RegistryError> {
    if reply.status != 200 {
        return Err(RegistryError::Keys(format!(
            "they were answered with status {}",
            reply.status
        )));
    }
    let keys = reply.json().map_err(|error| format!("as JSON: {error}"));
    keys.and_then(verifier).map_err(RegistryError::Keys)
}

fn verifier(value: Value) -> Result<DecisionVerifier, String> {
    let keys: Jwks = serde_json::from_value(value)
        .map_err(|error| format!("they are no key set: {}", shown(&error.to_string())))?;
    if keys.keys.len() > MOST_KEYS {
        return Err(format!("there are more than {MOST_KEYS} of them"));
    }
    DecisionVerifier::new(&keys).map_err(|error| shown(&error.to_string()))
}

fn refusal(error: SignatureError) -> RegistryError {
    match error {
        SignatureError::UnknownKey { kid } => RegistryError::UnknownKey(shown(&kid)),
        SignatureError::Field { .. } => RegistryError::Unsigned(error.to_string()),
        other => RegistryError::Signature(shown(&other.to_string())),
    }
}
