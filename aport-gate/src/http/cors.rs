//! What browsers want to hear before a page of another origin may call (Fetch, section 3.2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::front::Front;
use crate::connections::ToAnybody;

/// What a page reads of an answer: how to authenticate, and what MCP says in headers.
const EXPOSED: &str = "Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate, Retry-After";
/// What MCP's transport is spoken with; a server without sessions answers all but POST with 405.
const METHODS: &str = "POST, GET, DELETE";
/// How long a browser may keep the answer, in seconds.
const KEPT: &str = "600";

/// Answers the questions of browsers for pages that the operator allows, and for nobody else. A page of
/// another origin is refused behind this, as it is where none is allowed.
pub(super) async fn guard(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(origin) = front.names.allowed(request.headers()) else {
        return next.run(request).await;
    };
    let mut response = if is_preflight(&request) {
        match front.names.check(request.uri(), request.headers()) {
            Ok(()) => preflight(request.headers()),
            Err(problem) => problem.into_response(),
        }
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let exposed = HeaderValue::from_static(EXPOSED);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    headers.append(VARY, HeaderValue::from_static("Origin"));
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Proves nothing and does nothing: browsers ask without the token.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.extensions_mut().insert(ToAnybody);
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(METHODS),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(KEPT));
    let wanted = asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let names: Vec<&str> = wanted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .map(str::trim)
        .filter(|name| may_be_sent(name))
        .collect();
    if let Ok(names) = HeaderValue::try_from(names.join(", ")) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    response
}

/// What an MCP client sends; never the word of a proxy.
fn may_be_sent(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "accept" | "authorization" | "content-type" | "last-event-id"
    ) || name.starts_with("mcp-")
}

impl super::host::Names {
    /// The origin of a page that the operator allows.
    pub(super) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let origin = origins.next().filter(|_| origins.next().is_none())?;
        let allowed = self.origins.iter().any(|allowed| allowed.is(origin));
        allowed.then(|| origin.clone())
    }
}
