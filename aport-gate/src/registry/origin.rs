//! Keeps web pages away from a registry on this machine: by name (DNS rebinding) and by origin.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;
use super::state::Registry;

/// Refuses requests under another machine's name, and changes asked for by another site's page.
pub(super) async fn guard(
    State(registry): State<Arc<Registry>>,
    request: Request,
    next: Next,
) -> Response {
    match check(&registry, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(registry: &Registry, request: &Request) -> Result<(), Problem> {
    let text = |name| {
        let mut values = request.headers().get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
            _ => Err(()),
        }
    };
    let host = text(HOST)
        .map_err(|()| Problem::invalid("header `Host` must be there once, as text"))?
        .ok_or_else(|| Problem::invalid("header `Host` is missing"))?;
    let authority: Authority = host
        .parse()
        .map_err(|_| Problem::invalid("header `Host` names no host"))?;
    if registry.settings.only_this_machine && !is_loopback(authority.host()) {
        let message = "this registry answers to `localhost` and loopback addresses only; start it with `--behind-tls` when a proxy forwards other names";
        return Err(Problem::forbidden(message));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    match text(ORIGIN) {
        Ok(None) => Ok(()),
        Ok(Some(origin))
            if origin
                .split_once("://")
                .is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)) =>
        {
            Ok(())
        }
        _ => Err(Problem::forbidden(
            "requests from pages of other origins are refused",
        )),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for own in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in [
            "example.com",
            "127.0.0.1.example.com",
            "0.0.0.0",
            "localhost.evil",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
