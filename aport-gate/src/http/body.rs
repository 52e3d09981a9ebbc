//! Reading a request's body: bounded in size and time, and unambiguous.

use std::time::Duration;

use aport_gate_oap::parse_json;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::problem::{Problem, single};
use crate::body_room::{BodyError, BodyRoom, Taken};

/// The bytes of one JSON-RPC message: JSON without duplicate keys, at most 64 levels deep, of which
/// nobody on the way can read another meaning than this server; and what it takes of the room for all.
pub(super) async fn message(
    headers: &HeaderMap,
    body: Body,
    room: &BodyRoom,
    at_most: usize,
    within: Duration,
) -> Result<(Bytes, Taken), Problem> {
    json_only(headers)?;
    let reading = room.read(body, at_most);
    let (bytes, taken) = tokio::time::timeout(within, reading)
        .await
        .map_err(|_| {
            let message = format!("the body was not there within {} s", within.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", &message)
        })?
        .map_err(|error| match error {
            BodyError::TooLarge => {
                let message = format!("the body has more than {at_most} bytes");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &message)
            }
            BodyError::NoRoom => {
                Problem::unavailable("too many large bodies are under way; try again")
            }
            BodyError::EndedEarly => Problem::invalid("the body ended early"),
        })?;
    match parse_json(&bytes) {
        Ok(Value::Object(message)) if message.get("jsonrpc").is_some_and(|v| v == "2.0") => {
            Ok((bytes, taken))
        }
        Ok(Value::Array(_)) => Err(Problem::no_request("send one message a request, no batch")),
        Ok(_) => Err(Problem::no_request("this is no JSON-RPC 2.0 message")),
        Err(error) => Err(Problem::not_json(&format!("the body is not JSON: {error}"))),
    }
}

// Also keeps out what a web page can send without asking first.
fn json_only(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = single(headers, CONTENT_TYPE)?;
    let kind = kind
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "invalid_request",
        "send the body with `Content-Type: application/json`",
    ))
}
