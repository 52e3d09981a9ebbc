//! What an operator decides when a server starts to listen.

use std::net::SocketAddr;
use std::time::Duration;

use super::allowed_origin::AllowedOrigin;
use super::oauth::OAuthOptions;
use super::public_url::PublicUrl;
use super::trusted_proxy::TrustedProxy;
use crate::config::Security;

/// How a server is served over HTTP.
///
/// ```
/// use aport_gate::http::HttpOptions;
/// let options = HttpOptions::new("127.0.0.1:8080".parse()?);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HttpOptions {
    pub(super) listen: SocketAddr,
    pub(super) public: Option<PublicUrl>,
    pub(super) require_auth: bool,
    pub(super) proxies: Vec<TrustedProxy>,
    pub(super) origins: Vec<AllowedOrigin>,
    pub(super) oauth: Option<OAuthOptions>,
    pub(super) calls: usize,
    pub(super) connections: usize,
    pub(super) body_bytes: usize,
    pub(super) all_body_bytes: usize,
    pub(super) io_timeout: Duration,
    pub(super) grace: Duration,
}

impl HttpOptions {
    /// Listens on this address, for this machine alone: it must be a loopback address, unless
    /// [`behind_tls`](Self::behind_tls) is said. Port 0 takes a free one.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            public: None,
            require_auth: false,
            proxies: Vec::new(),
            origins: Vec::new(),
            oauth: None,
            calls: 256,
            connections: 1024,
            body_bytes: 1024 * 1024,
            all_body_bytes: 64 * 1024 * 1024,
            io_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }

    /// States that a proxy ends TLS under this URL and forwards here, from others' machines. Every request
    /// must then prove its agent.
    pub fn behind_tls(mut self, url: PublicUrl) -> Self {
        self.public = Some(url);
        self
    }

    /// Refuses every request that does not prove its agent, even where no token was made yet. It is so
    /// anyway as soon as there are tokens, a trusted proxy or a public URL, and in secure mode.
    pub fn require_auth(mut self, required: bool) -> Self {
        self.require_auth = required;
        self
    }

    /// Lets this proxy name the agent in header `X-Agent-Passport-Id`. Where there are tokens too, the
    /// header alone is not enough: a request needs a token, and both must agree.
    pub fn trusted_proxy(mut self, proxy: TrustedProxy) -> Self {
        self.proxies.push(proxy);
        self
    }

    /// Lets pages of this origin call from a browser, with a token as anybody else; none but the server's own
    /// by default.
    pub fn allow_origin(mut self, origin: AllowedOrigin) -> Self {
        self.origins.push(origin);
        self
    }

    /// Accepts access tokens of an authorization server. Every request must then prove its agent, by one of
    /// them or by a token that `aport-gate token create` made.
    pub fn oauth(mut self, oauth: OAuthOptions) -> Self {
        self.oauth = Some(oauth);
        self
    }

    /// Most requests that are worked on at once; further ones are answered with status 503. 256 by default.
    pub fn most_calls(mut self, most: usize) -> Self {
        self.calls = most.max(1);
        self
    }

    /// Most connections at once; further ones wait. 1024 by default.
    pub fn most_connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// Largest body of a request, in bytes; 1 MiB by default.
    pub fn largest_body(mut self, bytes: usize) -> Self {
        self.body_bytes = bytes;
        self
    }

    /// Most bytes of bodies at once, of requests that are read or worked on; further ones are answered with
    /// status 503. 64 MiB by default. The first 16 KiB of each body do not count, so that ordinary calls are
    /// not kept out by large ones.
    pub fn most_body_bytes(mut self, bytes: usize) -> Self {
        self.all_body_bytes = bytes;
        self
    }

    /// Longest wait for the head of a request, and for its body; 30 seconds by default.
    pub fn io_timeout(mut self, longest: Duration) -> Self {
        self.io_timeout = longest;
        self
    }

    /// Longest wait for calls under way when the server ends; 10 seconds by default. What takes longer is
    /// cut off, and what it took from a cap stays taken.
    pub fn grace(mut self, longest: Duration) -> Self {
        self.grace = longest;
        self
    }

    /// Whether every request must prove its agent.
    pub(super) fn requires_auth(&self, security: Security) -> bool {
        self.require_auth
            || self.public.is_some()
            || self.oauth.is_some()
            || !self.proxies.is_empty()
            || security == Security::Secure
    }

    /// `has_tokens` tells whether an agent has a token in force.
    ///
    /// # Errors
    /// Why this must not be served, and what to do.
    pub(super) fn check(&self, security: Security, has_tokens: bool) -> Result<(), String> {
        let listen = self.listen;
        if !listen.ip().is_loopback() && self.public.is_none() {
            return Err(format!(
                "`{listen}` is reachable by others, who would read tokens on the way: end TLS in a proxy in front and name the URL that it serves (`behind_tls`), or listen on 127.0.0.1"
            ));
        }
        if let Some(oauth) = &self.oauth {
            oauth.check()?;
        }
        let nobody = !has_tokens && self.proxies.is_empty() && self.oauth.is_none();
        if self.requires_auth(security) && !self.require_auth && nobody {
            return Err(
                "every request has to prove its agent, and none could: make a token with `aport-gate token create --agent ID`, or name a trusted proxy or an issuer of access tokens; to start all the same, require authentication explicitly"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_reach_it_only_through_tls_and_authenticated() {
        use Security::{Secure, Simple};
        let options = |listen: &str| HttpOptions::new(listen.parse().unwrap());
        let tls = |listen| options(listen).behind_tls("https://a.example/mcp".parse().unwrap());
        let (here, there) = ("127.0.0.1:0", "0.0.0.0:80");
        assert!(options(here).check(Simple, false).is_ok());
        assert!(options(here).check(Secure, true).is_ok());
        assert!(tls(there).check(Simple, true).is_ok());
        assert!(tls(there).require_auth(true).check(Simple, false).is_ok());
        let proxy = "10.0.0.1".parse().unwrap();
        assert!(tls(there).trusted_proxy(proxy).check(Secure, false).is_ok());
        assert!(options(there).check(Simple, true).is_err());
        assert!(options("[::]:80").check(Simple, true).is_err());
        assert!(options(here).check(Secure, false).is_err());
        assert!(tls(there).check(Simple, false).is_err());
        assert!(tls(here).check(Simple, false).is_err());
        assert!(tls(here).requires_auth(Simple));
        assert!(!options(here).requires_auth(Simple));
    }
}
