//! Answers to requests that do not reach the MCP server.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::connections::ToAnybody;

/// JSON-RPC: what arrived is no JSON.
const PARSE_ERROR: i32 = -32700;
/// JSON-RPC: it is JSON, but no request.
const INVALID_REQUEST: i32 = -32600;

/// Why a request is not answered by the MCP server.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    body: Value,
    challenge: Option<HeaderValue>,
    /// Whether the same request may be sent again, soon.
    again: bool,
}

impl Problem {
    pub(super) fn new(status: StatusCode, error: &'static str, description: &str) -> Self {
        let body = json!({ "error": error, "error_description": description });
        Self {
            status,
            body,
            challenge: None,
            again: false,
        }
    }

    /// How to authenticate instead.
    pub(super) fn with_challenge(mut self, challenge: HeaderValue) -> Self {
        self.challenge = Some(challenge);
        self
    }

    pub(super) fn invalid(description: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    pub(super) fn forbidden(description: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", description)
    }

    /// The same request may be answered later: nothing was done.
    pub(super) fn unavailable(description: &str) -> Self {
        Self {
            again: true,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", description)
        }
    }

    /// The server ends, and with it a call that has begun. Nobody may send it again just so.
    pub(super) fn cut_off() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "cut_off",
            "the server ended before the call did: it may have run, so look before you call again",
        )
    }

    pub(super) fn not_json(description: &str) -> Self {
        Self::rpc(PARSE_ERROR, description)
    }

    pub(super) fn no_request(description: &str) -> Self {
        Self::rpc(INVALID_REQUEST, description)
    }

    /// As JSON-RPC has it for what cannot be told apart by an id.
    fn rpc(code: i32, message: &str) -> Self {
        let error = json!({ "code": code, "message": message });
        Self {
            status: StatusCode::BAD_REQUEST,
            body: json!({ "jsonrpc": "2.0", "id": null, "error": error }),
            challenge: None,
            again: false,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, &self.body);
        if self.again {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    // Refusals, health and metadata: what a call comes to is rmcp's answer.
    response.extensions_mut().insert(ToAnybody);
    response
}

/// What every answer says to browsers and caches on the way.
pub(super) async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The one value of a header, as text; none where it is absent.
///
/// # Errors
/// It is there more than once, where two readers could take different ones, or it is no text.
pub(super) fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(&name).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    };
    value.map(Some).ok_or_else(|| {
        Problem::invalid(&format!(
            "header `{name}` may be there once only, as ASCII text"
        ))
    })
}
