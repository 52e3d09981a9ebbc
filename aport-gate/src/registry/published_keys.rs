//! The public keys, as clients fetch them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::Response;
use serde_json::json;

use super::problem::{Problem, for_anybody, json_response};
use super::state::Shared;

/// `GET /jwks.json`.
pub(super) async fn show(State(registry): State<Shared>) -> Result<Response, Problem> {
    let keys = registry.keys.published();
    let mut response = json_response(StatusCode::OK, &json!(*keys));
    let cache = HeaderValue::from_static("public, max-age=60");
    response.headers_mut().insert(CACHE_CONTROL, cache);
    Ok(for_anybody(response))
}
