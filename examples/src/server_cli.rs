//! The server's command line.

use std::net::SocketAddr;
use std::time::Duration;

use aport_gate::http::HttpOptions;
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
    /// Seconds to wait for the head of a request, and for its body.
    #[arg(long, value_name = "SECONDS", default_value = "30", requires = "http", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub io_timeout: u32,
}

impl ServerCli {
    /// How to serve over HTTP, if so.
    #[must_use]
    pub fn http_options(&self) -> Option<HttpOptions> {
        let timeout = Duration::from_secs(self.io_timeout.into());
        let listen = self.http?;
        Some(HttpOptions::new(listen).io_timeout(timeout))
    }
}
