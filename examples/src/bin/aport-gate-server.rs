//! An MCP server on standard input and output with two gated tools.

use std::process::ExitCode;

use aport_gate::{Gate, Server};
use aport_gate_examples::{Desks, home, merge_pull_request, process_refund};
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
        .with_route(process_refund)
        .with_route(merge_pull_request)
        .serve_stdio()
        .await?;
    Ok(())
}
