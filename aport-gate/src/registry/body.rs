//! Reading a request's body: bounded in size, time and depth.

use std::time::Duration;

use aport_gate_oap::parse_json;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::problem::Problem;

/// Largest body, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The JSON object that a request carries: no duplicate keys, at most 64 levels deep.
pub(super) async fn object(
    request: Request,
    within: Duration,
) -> Result<Map<String, Value>, Problem> {
    json_only(request.headers())?;
    let reading = Limited::new(request.into_body(), MAX_BYTES).collect();
    let bytes = tokio::time::timeout(within, reading)
        .await
        .map_err(|_| {
            let message = format!("the body was not there within {} s", within.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, "transport_error", message)
        })?
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                let message = format!("the body has more than {MAX_BYTES} bytes");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "validation_failed", message)
            } else {
                Problem::invalid("the body ended early")
            }
        })?
        .to_bytes();
    match parse_json(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::invalid("the body must be a JSON object")),
        Err(error) => Err(Problem::invalid(format!("the body is not JSON: {error}"))),
    }
}

// Also keeps out what a web page can send to this machine without asking first.
fn json_only(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = kind
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "validation_failed",
        "send the body with `Content-Type: application/json`",
    ))
}
