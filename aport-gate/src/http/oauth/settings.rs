//! What an operator decides about access tokens.

use std::path::PathBuf;

/// Whose access tokens (JWT) count, and which of their claims names the agent.
///
/// ```
/// use aport_gate::http::OAuthOptions;
/// let options = OAuthOptions::new("https://issuer.example", "https://issuer.example/jwks.json")
///     .agent_claim("aport_agent_id")
///     .scope("tools");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OAuthOptions {
    pub(super) issuer: String,
    /// Found by the issuer's metadata where there is nothing.
    pub(super) keys: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) agent_claim: String,
    pub(super) scope: Option<String>,
    pub(super) authorities: Option<PathBuf>,
}

impl OAuthOptions {
    /// Tokens whose `iss` is exactly `issuer` and that are signed by a key of the set (JWKS) at `keys`:
    /// an `https:` URL, or a file. The agent's passport id is in claim `sub` unless
    /// [`agent_claim`](Self::agent_claim) says otherwise.
    pub fn new(issuer: impl Into<String>, keys: impl Into<String>) -> Self {
        Self {
            keys: Some(keys.into()),
            ..Self::of_issuer(issuer)
        }
    }

    /// As [`new`](Self::new), with the keys where the issuer's own metadata says (RFC 8414, or OpenID
    /// Connect Discovery): `issuer` must then be an `https:` URL, or of this machine.
    pub fn of_issuer(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            keys: None,
            audience: None,
            agent_claim: "sub".to_owned(),
            scope: None,
            authorities: None,
        }
    }

    /// What `aud` has to name, exactly; the URL of this server by default. An `https:` URL is published as
    /// the `resource` that clients ask the issuer for (RFC 9728); for anything else, the issuer itself has to
    /// put it into the tokens that it issues for the URL of this server.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// The claim that holds the id of the agent's passport. A token without it is refused.
    pub fn agent_claim(mut self, name: impl Into<String>) -> Self {
        self.agent_claim = name.into();
        self
    }

    /// A scope that every token must have been granted.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// PEM file of authorities that are believed beside the system's, for the certificate at the keys' URL.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorities = Some(path.into());
        self
    }

    /// What clients are told to ask the issuer for a token for: `url` is that of this server.
    pub(in crate::http) fn resource(&self, url: &str) -> String {
        let audience = self.audience.as_deref();
        let is_url = |text: &&str| text.starts_with("https://") || text.starts_with("http://");
        audience.filter(is_url).unwrap_or(url).to_owned()
    }

    pub(in crate::http) fn check(&self) -> Result<(), String> {
        for (what, text) in [
            ("issuer", Some(&self.issuer)),
            ("audience", self.audience.as_ref()),
            ("claim of the agent", Some(&self.agent_claim)),
            ("scope", self.scope.as_ref()),
        ] {
            let fits = |text: &String| {
                let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
                !text.is_empty() && text.chars().all(plain)
            };
            if !text.is_none_or(fits) {
                return Err(format!(
                    "the {what} of access tokens must be plain text without spaces and quotes"
                ));
            }
        }
        Ok(())
    }
}
