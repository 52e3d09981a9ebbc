//! Octocrab over our own transport: one TLS stack, whole answers of bounded size, no redirects.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tokio::time::Instant;
use tower::{BoxError, service_fn};

use super::own_word::own_word;
use crate::setting::Base;
use crate::transport::Transport;

/// The version of the REST API that this is written for.
const VERSION: &str = "2022-11-28";

pub(super) fn octocrab(transport: Transport, base: Base, timeout: Duration) -> Octocrab {
    let service = service_fn(move |request: Request<OctoBody>| {
        let (transport, base) = (transport.clone(), base.clone());
        async move {
            let (mut parts, body) = request.into_parts();
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            parts.uri = base.at(path).parse::<Uri>()?;
            parts
                .headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let body = body.collect().await?.to_bytes().to_vec();
            let request = prepared(
                Request::from_parts(parts, body),
                "application/vnd.github+json",
            );
            let response = transport.send(request, Instant::now() + timeout).await?;
            // Octocrab takes every answer for GitHub's.
            if !response.status().is_success() {
                own_word(&response)?;
            }
            let response = response.map(|body| Full::new(Bytes::from(body)));
            Ok::<Response<Full<Bytes>>, BoxError>(response)
        }
    });
    let built = OctocrabBuilder::new_empty()
        .with_service(service)
        .with_auth(AuthState::None)
        .build();
    match built {
        Ok(octocrab) => octocrab,
        Err(never) => match never {},
    }
}

/// With the headers that GitHub asks for.
pub(super) fn prepared(mut request: Request<Vec<u8>>, accept: &'static str) -> Request<Vec<u8>> {
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert("x-github-api-version", HeaderValue::from_static(VERSION));
    request
}
