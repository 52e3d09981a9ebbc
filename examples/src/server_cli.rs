//! The server's command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use aport_gate::http::{AllowedOrigin, HttpOptions, OAuthOptions, PublicUrl, TrustedProxy};
use clap::Parser;

/// An MCP server with two gated tools, on standard input and output or over HTTP.
#[derive(Debug, Parser)]
#[command(name = "aport-gate-server", version, about)]
pub struct ServerCli {
    /// Print what guards each tool, as JSON, and leave.
    #[arg(long)]
    pub inventory: bool,
    /// Take the settings that a bundle's form was filled in with.
    #[arg(long, hide = true)]
    pub bundled: bool,
    /// Serve many clients over streamable HTTP at this address instead of one on standard input; port 0
    /// takes a free one, and the first line of output tells it.
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// A proxy in front ends TLS under this URL, such as `https://mcp.example.com/mcp`, and forwards here:
    /// every request must prove its agent.
    #[arg(long, value_name = "URL", requires = "http")]
    pub behind_tls: Option<PublicUrl>,
    /// Refuse every request that does not prove its agent, even where no token was made yet.
    #[arg(long, requires = "http")]
    pub require_auth: bool,
    /// Address or network of a proxy that may name the agent in header X-Agent-Passport-Id, or `anybody`
    /// where nobody else can connect; may be given more than once.
    #[arg(long, value_name = "ADDR", requires = "http")]
    pub trusted_proxy: Vec<TrustedProxy>,
    /// Origin of a page that may call from a browser, such as `https://inspector.example`; may be given more
    /// than once.
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    pub allow_origin: Vec<AllowedOrigin>,
    /// Authorization server whose access tokens (JWT) count: exactly what their `iss` says.
    #[arg(long, value_name = "URL", requires = "http")]
    pub oauth_issuer: Option<String>,
    /// The issuer's key set: an `https:` URL, or a file; else where the issuer's own metadata says.
    #[arg(long, value_name = "URL|FILE", requires = "oauth_issuer")]
    pub oauth_jwks: Option<String>,
    /// What `aud` of an access token has to name; else the URL of this server.
    #[arg(long, value_name = "URI", requires = "oauth_issuer")]
    pub oauth_audience: Option<String>,
    /// Claim of an access token that holds the id of the agent's passport.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "sub",
        requires = "oauth_issuer"
    )]
    pub oauth_agent_claim: String,
    /// Scope that every access token must have been granted.
    #[arg(long, value_name = "SCOPE", requires = "oauth_issuer")]
    pub oauth_scope: Option<String>,
    /// PEM file of authorities for the certificate at the key set's URL, beside the system's.
    #[arg(long, value_name = "FILE", requires = "oauth_issuer")]
    pub oauth_ca: Option<PathBuf>,
    /// Seconds to wait for the head of a request, and for its body.
    #[arg(long, value_name = "SECONDS", default_value = "30", requires = "http", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub io_timeout: u32,
}

/// Time for the calls under way when the server ends: a desk's own time by default, and that of the decision before.
const GRACE: Duration = Duration::from_secs(25);

impl ServerCli {
    /// How to serve over HTTP, if so.
    #[must_use]
    pub fn http_options(&self) -> Option<HttpOptions> {
        let timeout = Duration::from_secs(self.io_timeout.into());
        let mut options = HttpOptions::new(self.http?)
            .require_auth(self.require_auth)
            .grace(GRACE)
            .io_timeout(timeout);
        if let Some(url) = &self.behind_tls {
            options = options.behind_tls(url.clone());
        }
        for proxy in &self.trusted_proxy {
            options = options.trusted_proxy(*proxy);
        }
        for origin in &self.allow_origin {
            options = options.allow_origin(origin.clone());
        }
        if let Some(oauth) = self.oauth_options() {
            options = options.oauth(oauth);
        }
        Some(options)
    }

    fn oauth_options(&self) -> Option<OAuthOptions> {
        let issuer = self.oauth_issuer.as_ref()?;
        let oauth = match &self.oauth_jwks {
            Some(keys) => OAuthOptions::new(issuer, keys),
            None => OAuthOptions::of_issuer(issuer),
        };
        let mut oauth = oauth.agent_claim(&self.oauth_agent_claim);
        if let Some(audience) = &self.oauth_audience {
            oauth = oauth.audience(audience);
        }
        if let Some(scope) = &self.oauth_scope {
            oauth = oauth.scope(scope);
        }
        if let Some(file) = &self.oauth_ca {
            oauth = oauth.ca_file(file);
        }
        Some(oauth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_takes_a_desk_s_whole_time_ends_within_the_grace_of_a_server_and_an_attempt_of_a_client()
     {
        let longest = [
            crate::stripe::DEFAULT_TIMEOUT,
            crate::github::DEFAULT_TIMEOUT,
        ]
        .map(|desk| Duration::from_millis(desk) + Duration::from_secs(5));
        let attempt = aport_gate::Retry::default().attempt_timeout.unwrap();
        for call in longest {
            assert!(call <= GRACE && call < attempt, "{call:?}");
        }
        let cli = ServerCli::parse_from(["aport-gate-server", "--http", "127.0.0.1:0"]);
        let options = format!("{:?}", cli.http_options().unwrap());
        assert!(options.contains("grace: 25s"), "{options}");
    }
}
