//! Servers over streamable HTTP.

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Client, Url, redirect};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

use super::connection::connector;
use super::{ClientError, PassportClient, PassportClientBuilder};
use crate::remote::{ApiKey, is_loopback, tls_config};

/// Longest time for a TCP and TLS connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// An access token for a server over HTTP. Debug output does not show it, and it is wiped when it is dropped.
#[derive(Clone)]
pub struct BearerToken(ApiKey);

impl BearerToken {
    /// A token as it stands after `Bearer ` in the header `Authorization`.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(ApiKey::new(token.into()))
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken([redacted])")
    }
}

impl PassportClientBuilder {
    /// Connects to a server's MCP address over streamable HTTP, and connects again where a session or a
    /// connection was lost. The stateless protocol of today is tried first; a server that does not know it is
    /// spoken to in the older one.
    ///
    /// Redirects are never followed. A token is sent over `https:`, or to this machine, and nowhere else.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), aport_gate::ClientError> {
    /// use aport_gate::{BearerToken, PassportClient};
    ///
    /// let token = std::env::var("GATE_TOKEN").ok().map(BearerToken::new);
    /// let client = PassportClient::builder("ap_desk")
    ///     .connect_http("https://tools.example.com/mcp", token)
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::InvalidAgentId`]; [`ClientError::Setup`] for an address or a token that cannot be used;
    /// [`ClientError::Connect`] when the server cannot be reached, or does not let this client in.
    pub async fn connect_http(
        self,
        url: &str,
        token: Option<BearerToken>,
    ) -> Result<PassportClient, ClientError> {
        let address = address(url, token.is_some()).map_err(|problem| {
            // Without the address: it may hold a password by mistake.
            ClientError::Setup(format!("the server's address {problem}"))
        })?;
        let client = client(&address, token.as_ref())?;
        let make = move || {
            let config = StreamableHttpClientTransportConfig::with_uri(address.as_str())
                .max_json_response_size(LARGEST_ANSWER)
                .max_sse_event_size(LARGEST_ANSWER)
                // A request is sent again by this client's own rules only.
                .reinit_on_expired_session(false);
            let transport = StreamableHttpClientTransport::with_client(client.clone(), config);
            std::future::ready(Ok::<_, String>(transport))
        };
        self.connect_by(connector(make)).await
    }
}

fn address(text: &str, has_token: bool) -> Result<Url, &'static str> {
    let Ok(url) = Url::parse(text.trim()) else {
        return Err("is no URL; give one such as `https://tools.example.com/mcp`");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password; give a token instead");
    }
    if url.fragment().is_some() {
        return Err("has a `#`; leave out what follows it");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if !has_token || url.host_str().is_some_and(is_loopback) => Ok(url),
        "http" => Err("is `http:`: anybody on the way could read the token; use `https:`"),
        _ => Err("must begin with `https://` or `http://`"),
    }
}

fn client(address: &Url, token: Option<&BearerToken>) -> Result<Client, ClientError> {
    let is_https = address.scheme() == "https";
    let tls = tls_config(is_https, None).map_err(|error| ClientError::Setup(error.to_string()))?;
    let mut builder = Client::builder()
        .user_agent(concat!("aport-gate/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .tls_backend_preconfigured(tls);
    if address.host_str().is_some_and(is_loopback) {
        // A proxy's loopback is not ours.
        builder = builder.no_proxy();
    }
    if let Some(token) = token {
        let header = token.0.header().map_err(|_| {
            let problem =
                "the bearer token is empty, or holds a character that cannot stand in a header";
            ClientError::Setup(problem.to_owned())
        })?;
        builder = builder.default_headers(HeaderMap::from_iter([(AUTHORIZATION, header)]));
    }
    builder
        .build()
        .map_err(|error| ClientError::Setup(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_https_or_to_this_machine() {
        for (url, bare, with_token) in [
            ("https://tools.example.com/mcp", true, true),
            ("http://127.0.0.1:8080/mcp", true, true),
            ("http://localhost:8080/mcp", true, true),
            ("http://tools.example.com/mcp", true, false),
            ("http://127.0.0.1.example.com/mcp", true, false),
            ("ftp://127.0.0.1/mcp", false, false),
            ("https://user:hunter2@tools.example.com/", false, false),
            ("127.0.0.1:8080", false, false),
        ] {
            assert_eq!(address(url, false).is_ok(), bare, "{url}");
            assert_eq!(address(url, true).is_ok(), with_token, "{url}");
        }
    }

    #[test]
    fn a_token_shows_itself_nowhere() {
        let token = BearerToken::new("hunter2");
        let address = Url::parse("http://127.0.0.1:1/").unwrap();
        let client = client(&address, Some(&token)).unwrap();
        assert!(!format!("{token:?} {client:?}").contains("hunter2"));
        let bad = super::client(&address, Some(&BearerToken::new("hunter2\n"))).unwrap_err();
        assert!(!format!("{bad} {bad:?}").contains("hunter2"), "{bad}");
    }
}
