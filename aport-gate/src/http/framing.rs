//! Refuses what two readers on a request's way could take for different requests.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::{Problem, single};

/// Lets a request pass that has one meaning.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let mut response = match unambiguous(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if chunked {
        // hyper removes a `Content-Length` beside it before anybody sees that there was one. What a proxy
        // that went by it sends next on this connection may be another client's (RFC 9112, section 6.1).
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn unambiguous(headers: &HeaderMap) -> Result<(), Problem> {
    let coding = single(headers, TRANSFER_ENCODING)?;
    if coding.is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("chunked")) {
        return Err(Problem::invalid(
            "header `Transfer-Encoding` may only be `chunked`, once",
        ));
    }
    for name in headers.keys() {
        if name.as_str().starts_with("mcp-") {
            single(headers, name.clone())?;
        }
    }
    Ok(())
}
