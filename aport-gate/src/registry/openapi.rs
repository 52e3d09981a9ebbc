//! `GET /openapi.json`: the registry's interface, as the document beside this file has it.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::Response;

use super::problem::for_anybody;

const DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn show() -> Response {
    let mut response = Response::new(DOCUMENT.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    for_anybody(response)
}

#[cfg(test)]
mod tests {
    use super::DOCUMENT;

    #[test]
    fn the_document_is_json_of_this_version() {
        let document = aport_gate_oap::parse_json(DOCUMENT.as_bytes()).unwrap();
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
