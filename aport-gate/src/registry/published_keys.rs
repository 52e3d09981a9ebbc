//! The public keys, as clients fetch them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::Response;
use serde_json::json;

use super::problem::{Problem, json_response};
use super::state::Shared;
use crate::signing::{Jwks, SigningKeys};

/// How long what was read counts.
const FOR: Duration = Duration::from_secs(5);

/// Read anew from time to time: another registry of the same home may sign with a newer key already.
pub(super) struct PublishedKeys {
    folder: PathBuf,
    read: Mutex<(Instant, Arc<Jwks>)>,
}

impl PublishedKeys {
    pub(super) fn new(folder: PathBuf, keys: Jwks) -> Self {
        Self {
            folder,
            read: Mutex::new((Instant::now(), Arc::new(keys))),
        }
    }

    pub(super) fn current(&self) -> Arc<Jwks> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.0.elapsed() > FOR {
            let keys = match SigningKeys::existing(&self.folder) {
                Ok(Some(keys)) => Arc::new(keys.jwks()),
                Ok(None) => Arc::clone(&read.1),
                Err(error) => {
                    tracing::error!(%error, "the keys as last read stay published");
                    Arc::clone(&read.1)
                }
            };
            *read = (Instant::now(), keys);
        }
        Arc::clone(&read.1)
    }
}

/// `GET /jwks.json`.
pub(super) async fn show(State(registry): State<Shared>) -> Result<Response, Problem> {
    let keys = registry.published_keys.current();
    let mut response = json_response(StatusCode::OK, &json!(*keys));
    let cache = HeaderValue::from_static("public, max-age=60");
    response.headers_mut().insert(CACHE_CONTROL, cache);
    Ok(response)
}
