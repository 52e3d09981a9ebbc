//! Protected resource metadata (RFC 9728): where clients learn who issues tokens for this server.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::settings::OAuthOptions;
use crate::http::front::Front;
use crate::http::problem::{Problem, json_response};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document, and where it is.
#[derive(Clone, Debug)]
pub(in crate::http) struct Metadata {
    document: Value,
    path: String,
    /// Its URL, which a challenge names.
    pub(in crate::http) url: String,
}

impl Metadata {
    /// Of the resource at `origin` and `path`.
    pub(in crate::http) fn new(options: &OAuthOptions, origin: &str, path: &str) -> Self {
        let mut document = json!({
            "resource": options.resource(&format!("{origin}{path}")),
            "authorization_servers": [options.issuer],
            "bearer_methods_supported": ["header"],
        });
        if let (Some(scope), Some(members)) = (&options.scope, document.as_object_mut()) {
            members.insert("scopes_supported".to_owned(), json!([scope]));
        }
        let path = format!("{WELL_KNOWN}{path}");
        Self {
            document,
            url: format!("{origin}{path}"),
            path,
        }
    }
}

/// `GET /.well-known/oauth-protected-resource`, with or without the resource's path at its end.
pub(in crate::http) async fn show(
    State(front): State<Arc<Front>>,
    uri: Uri,
) -> Result<Response, Problem> {
    let metadata = front.metadata.as_ref();
    let asked = uri.path();
    let known = metadata.filter(|metadata| asked == WELL_KNOWN || asked == metadata.path);
    known
        .map(|metadata| json_response(StatusCode::OK, &metadata.document))
        .ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "there is no such resource",
            )
        })
}
