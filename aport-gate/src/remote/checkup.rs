//! What `aport-gate doctor` asks a registry. Nothing of it is a decision.

use std::path::Path;
use std::time::Duration;

use aport_gate_oap::PackId;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::DATE;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::attempts::told;
use super::client::RegistryClient;
use super::error::RegistryError;
use super::keys;

/// How a registry answered when it was asked for its keys.
pub(crate) struct Greeting {
    pub(crate) took: Duration,
    /// How far its clock is ahead of ours; none where its answer had no date.
    pub(crate) ahead: Option<SignedDuration>,
    /// Whether it publishes a key, or why its keys cannot be used.
    pub(crate) has_keys: Result<bool, RegistryError>,
}

impl RegistryClient {
    /// Asks once for its keys: that works without an API key, and costs the registry next to nothing.
    ///
    /// # Errors
    /// There is no answer from it.
    pub(crate) async fn greet(&self) -> Result<Greeting, RegistryError> {
        let began = Instant::now();
        let mut reply = self.get(&[".well-known", "oap", "jwks.json"]).await?;
        let took = began.elapsed();
        if reply.status == 404 {
            reply = self.get(&["jwks.json"]).await?;
        }
        if let 300..=399 = reply.status {
            return Err(RegistryError::Redirected(reply.status));
        }
        let date = reply.headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        Ok(Greeting {
            took,
            ahead: date.map(|date| date.timestamp().duration_since(Timestamp::now())),
            has_keys: keys::read(&reply).map(|keys| !keys.is_empty()),
        })
    }

    /// Whether it lets this server ask for decisions. The question is empty, so that it decides nothing.
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`], or there is no answer.
    pub(crate) async fn admits(&self, pack: &PackId) -> Result<(), RegistryError> {
        let url = ["api", "verify", "policy", pack.as_str()];
        let request = self.request(Method::POST, &url, &json!({}));
        let reply = self
            .line
            .connections
            .exchange(request, Instant::now() + self.timeout)
            .await?;
        let status = reply.status;
        match status {
            300..=399 => Err(RegistryError::Redirected(status)),
            401 | 403 => Err(RegistryError::Unauthorized {
                status,
                told: told(&reply),
            }),
            408 | 429 | 500..=599 => Err(RegistryError::Unavailable {
                status,
                told: told(&reply),
            }),
            _ => Ok(()),
        }
    }

    async fn get(&self, path: &[&str]) -> Result<super::exchange::Reply, RegistryError> {
        let request = self.request(Method::GET, path, &Value::Null);
        let deadline = Instant::now() + self.timeout;
        self.line.connections.exchange(request, deadline).await
    }
}

/// Whether the operator's file of keys can be used.
///
/// # Errors
/// [`RegistryError::Setup`] that names the file.
pub(crate) fn pinned_keys(path: &Path) -> Result<(), RegistryError> {
    keys::from_file(path).map(drop)
}
