//! Reading a request's body: bounded in size, time and depth.

use aport_gate_oap::parse_json;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::problem::Problem;
use super::state::Registry;
use crate::body_room::BodyError;

/// Largest body, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Bytes of all bodies that are being read, beyond the small part that each has for itself.
pub(super) const MAX_BYTES_AT_ONCE: usize = 64 * 1024 * 1024;

/// The JSON object that a request carries: no duplicate keys, at most 64 levels deep.
pub(super) async fn object(
    registry: &Registry,
    request: Request,
) -> Result<Map<String, Value>, Problem> {
    json_only(request.headers())?;
    let within = registry.settings.io_timeout;
    let reading = registry.room.read(request.into_body(), MAX_BYTES);
    // Held until it is parsed; what is decided on is no larger than that.
    let (bytes, _taken) = tokio::time::timeout(within, reading)
        .await
        .map_err(|_| {
            let message = format!("the body was not there within {} s", within.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, "transport_error", message)
        })?
        .map_err(|error| match error {
            BodyError::TooLarge => {
                let message = format!("the body has more than {MAX_BYTES} bytes");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "validation_failed", message)
            }
            BodyError::NoRoom => {
                Problem::unavailable("too many large bodies are under way; try again")
            }
            BodyError::EndedEarly => Problem::invalid("the body ended early"),
        })?;
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
