//! Keeps web pages away: by name (DNS rebinding) and by origin.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::front::Front;
use super::problem::{Problem, single};

/// The names under which a server may be asked.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) loopback: bool,
}

/// Refuses requests under another host's name, and those of another site's page.
pub(super) async fn guard(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    match front.names.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

impl Names {
    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let text =
            single(headers, HOST)?.ok_or_else(|| Problem::invalid("header `Host` is missing"))?;
        let host: Authority = text
            .parse()
            .map_err(|_| Problem::invalid("header `Host` names no host"))?;
        if !(self.loopback && is_loopback(host.host())) {
            return Err(Problem::forbidden(
                "this server does not answer to the name in header `Host`",
            ));
        }
        match single(headers, ORIGIN)? {
            None => Ok(()),
            Some(origin) if self.is_own(origin, text) => Ok(()),
            Some(_) => Err(Problem::forbidden(
                "requests from pages of other origins are refused",
            )),
        }
    }

    fn is_own(&self, origin: &str, host: &str) -> bool {
        self.loopback
            && origin
                .split_once("://")
                .is_some_and(|(scheme, from)| scheme == "http" && from.eq_ignore_ascii_case(host))
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
