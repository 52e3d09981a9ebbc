//! Errors in OAP's shape. A denial is none: it is a decision.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::limits::Standing;
use crate::connections::ToAnybody;
use crate::refusal::Refusal;

/// Longest path that an error repeats, in characters.
const LONGEST_PATH: usize = 200;
/// Methods that the error schema knows.
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

/// Why a request has no answer of its own kind.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    standing: Option<Standing>,
    retry_after: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            standing: None,
            retry_after: None,
        }
    }

    /// The request cannot be understood as one.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "validation_failed", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// Nothing was decided; the same request may be answered later.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "service_unavailable",
            message,
        );
        problem.retry_after = Some(1);
        problem
    }

    pub(super) fn too_many(standing: Standing) -> Self {
        let seconds = standing.wait.as_secs().saturating_add(1);
        let message = format!("too many requests; wait {seconds} s");
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_exceeded",
            message,
        );
        problem.retry_after = Some(seconds);
        problem.standing = Some(standing);
        problem
    }

    fn body(&self, method: &str, path: &str) -> Value {
        let mut body = json!({
            "error": { "code": self.code, "message": self.message },
            // Where the published SDKs look for a message.
            "reasons": [{ "code": self.code, "message": self.message }],
            "timestamp": jiff::Timestamp::now().to_string(),
            "path": path.chars().take(LONGEST_PATH).collect::<String>(),
            "status_code": self.status.as_u16(),
        });
        if let Some(members) = body.as_object_mut() {
            if METHODS.contains(&method) {
                members.insert("method".to_owned(), method.into());
            }
            if let Some(seconds) = self.retry_after {
                members.insert("retry_after".to_owned(), seconds.into());
            }
            if let Some(standing) = &self.standing {
                members.insert("rate_limit_info".to_owned(), standing.document());
            }
        }
        body
    }

    fn into_response_for(self, method: &str, path: &str) -> Response {
        let mut response = json_response(self.status, &self.body(method, path));
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"aport-gate registry\"");
            headers.insert(WWW_AUTHENTICATE, scheme);
        }
        if let Some(standing) = &self.standing {
            standing.write(headers);
        }
        response
    }
}

/// A refusal of the verifier: there was no decision.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let refusal = refusal.for_strangers();
        match refusal.code() {
            "gate.invalid_context" => Self::invalid(refusal.message()),
            "gate.unknown_pack" => {
                Self::new(StatusCode::NOT_FOUND, "invalid_policy", refusal.message())
            }
            _ => Self::unavailable(refusal.message()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes problems out: only here method and path are known.
pub(super) async fn describe(request: Request, next: Next) -> Response {
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = for_anybody(problem.into_response_for(&method, &path));
    } else if let Some(standing) = response.extensions_mut().remove::<Standing>() {
        standing.write(response.headers_mut());
    }
    protect(response.headers_mut());
    response
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    headers
        .entry("cache-control")
        .or_insert(HeaderValue::from_static("no-store"));
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// An answer that proves nothing about who asked: their connections give way first.
pub(super) fn for_anybody(mut response: Response) -> Response {
    response.extensions_mut().insert(ToAnybody);
    response
}

pub(super) async fn no_such_path() -> Problem {
    let message = "there is no such path; see /openapi.json";
    Problem::new(StatusCode::NOT_FOUND, "not_found", message)
}

pub(super) async fn no_such_method() -> Problem {
    let message = "this path does not take that method; see /openapi.json";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "validation_failed", message)
}
