//! An MCP server on standard input and output with two gated tools.
//!
//! `--inventory` prints what guards them, as JSON, and serves nothing.

use std::io::Write as _;
use std::process::ExitCode;

use aport_gate::{Gate, Server};
use aport_gate_examples::{Desks, ServerCli, home, tools};
use clap::Parser as _;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    // Standard output belongs to MCP.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .init();
    if ServerCli::parse().inventory {
        let inventory = aport_gate::inventory(&tools()).to_string();
        return match std::io::stdout().write_all(inventory.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(2),
        };
    }
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(2)
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let gate = Gate::from_env().await?;
    let desks = Desks::simulated(&home()?);
    Server::new(gate, desks)
        .named("aport-gate-server", env!("CARGO_PKG_VERSION"))
        .with_routes(tools())
        .serve_stdio()
        .await?;
    Ok(())
}
