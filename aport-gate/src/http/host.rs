//! Keeps web pages away: by name (DNS rebinding) and by origin.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::allowed_origin::AllowedOrigin;
use super::front::Front;
use super::problem::{Problem, single};
use super::public_url::PublicUrl;

/// The names under which a server may be asked.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// Those of this machine, where the server listens on it.
    pub(super) loopback: bool,
    /// That under which a proxy forwards.
    pub(super) public: Option<PublicUrl>,
    /// Pages that may call beside those of the server's own origin.
    pub(super) origins: Vec<AllowedOrigin>,
}

/// Refuses requests under another host's name, and those of another site's page.
pub(super) async fn guard(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    match front.names.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

impl Names {
    pub(super) fn check(&self, target: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let text =
            single(headers, HOST)?.ok_or_else(|| Problem::invalid("header `Host` is missing"))?;
        let host =
            authority(text).ok_or_else(|| Problem::invalid("header `Host` names no host"))?;
        // It is the target's that counts (RFC 9112, section 3.2.2): no reader may take the other one.
        let named = target.authority();
        if named.is_some_and(|named| !named.as_str().eq_ignore_ascii_case(text)) {
            return Err(Problem::invalid(
                "the request's target and header `Host` name different hosts",
            ));
        }
        if !self.knows(host.host()) {
            return Err(Problem::forbidden(
                "this server does not answer to the name in header `Host`",
            ));
        }
        match single(headers, ORIGIN)? {
            None => Ok(()),
            Some(origin) if self.is_own(origin, text) => Ok(()),
            Some(_) if self.allowed(headers).is_some() => Ok(()),
            Some(_) => Err(Problem::forbidden(
                "requests from pages of other origins are refused",
            )),
        }
    }

    fn knows(&self, host: &str) -> bool {
        let public = self.public.as_ref();
        self.loopback && is_loopback(host)
            || public.is_some_and(|url| url.host().eq_ignore_ascii_case(host))
    }

    fn is_own(&self, origin: &str, host: &str) -> bool {
        let local = || {
            let parts = origin.split_once("://");
            parts.is_some_and(|(scheme, from)| scheme == "http" && from.eq_ignore_ascii_case(host))
        };
        match &self.public {
            Some(public) => origin == public.origin(),
            None => self.loopback && local(),
        }
    }
}

/// A host and perhaps a port, nothing else (RFC 9110, section 7.2).
fn authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let host = authority.host();
    // A user would stand before the host.
    let port = text.strip_prefix(host)?;
    let numeric = match port.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|digit| digit.is_ascii_digit()) && digits.parse::<u16>().is_ok()
        }
        None => port.is_empty(),
    };
    let literal = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty(),
    };
    (numeric && literal).then_some(authority)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(names: &Names, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        names.check(&Uri::from_static("/mcp"), &headers).is_ok()
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for good in [
            "localhost",
            "localhost:1",
            "127.0.0.1:65535",
            "[::1]:80",
            "[::1]",
        ] {
            assert_eq!(authority(good).unwrap().as_str(), good);
        }
        for wrong in [
            "",
            ":80",
            "evil.example@127.0.0.1",
            "a:b@127.0.0.1:80",
            "@127.0.0.1",
            "[127.0.0.1]",
            "[localhost]",
            "[::1",
            "[]",
            "::1",
            "[::1]80",
            "127.0.0.1:",
            "127.0.0.1:+80",
            "127.0.0.1:x",
            "127.0.0.1:65536",
            "127.0.0.1:80:80",
            "127.0.0.1/",
        ] {
            assert!(authority(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn behind_a_proxy_only_the_public_name_counts() {
        let names = Names {
            loopback: false,
            public: Some("https://mcp.example.com/mcp".parse().unwrap()),
            origins: Vec::new(),
        };
        assert!(allowed(&names, "mcp.example.com", None));
        assert!(allowed(&names, "MCP.example.com:443", None));
        let own = Some("https://mcp.example.com");
        assert!(allowed(&names, "mcp.example.com", own));
        for (host, origin) in [
            ("localhost", None),
            ("127.0.0.1", None),
            ("mcp.example.com.evil.example", None),
            ("mcp.example.com", Some("http://mcp.example.com")),
            ("mcp.example.com", Some("https://evil.example")),
        ] {
            assert!(!allowed(&names, host, origin), "{host} {origin:?}");
        }
    }
}
