//! The server's command line.

use std::net::SocketAddr;
use std::time::Duration;

use aport_gate::http::{HttpOptions, PublicUrl, TrustedProxy};
use clap::Parser;

/// An MCP server with two gated tools, on standard input and output or over HTTP.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct ServerCli {
    /// Print what guards each tool, as JSON, and leave.
    #[arg(long)]
    pub inventory: bool,
    /// Serve many clients over streamable HTTP at this address instead of one on standard input; port 0
    /// takes a free one, and the first line of output tells it.
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// A proxy in front ends TLS under this URL, such as https://mcp.example.com/mcp, and forwards here:
    /// every request must prove its agent.
    #[arg(long, value_name = "URL", requires = "http")]
    pub behind_tls: Option<PublicUrl>,
    /// Refuse every request that does not prove its agent, even where no token was made yet.
    #[arg(long, requires = "http")]
    pub require_auth: bool,
    /// Address or network of a proxy that may name the agent in header X-Agent-Passport-Id; may be given
    /// more than once.
    #[arg(long, value_name = "ADDR", requires = "http")]
    pub trusted_proxy: Vec<TrustedProxy>,
    /// Seconds to wait for the head of a request, and for its body.
    #[arg(long, value_name = "SECONDS", default_value = "30", requires = "http", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub io_timeout: u32,
}

impl ServerCli {
    /// How to serve over HTTP, if so.
    #[must_use]
    pub fn http_options(&self) -> Option<HttpOptions> {
        let timeout = Duration::from_secs(self.io_timeout.into());
        let mut options = HttpOptions::new(self.http?)
            .require_auth(self.require_auth)
            .io_timeout(timeout);
        if let Some(url) = &self.behind_tls {
            options = options.behind_tls(url.clone());
        }
        for proxy in &self.trusted_proxy {
            options = options.trusted_proxy(*proxy);
        }
        Some(options)
    }
}
