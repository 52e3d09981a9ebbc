//! An MCP server with two gated tools, on standard input and output or over HTTP.
//!
//! `--http 127.0.0.1:8080` serves many clients over streamable HTTP.
//! `--inventory` prints what guards them, as JSON, and serves nothing.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use aport_gate::{Gate, Server};
use aport_gate_examples::{Desks, ServerCli, home, relaunch, tools};
use clap::Parser as _;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    // Standard output belongs to MCP, or tells where it is served.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // A log that cannot be written must not panic in the call that it tells of.
        .log_internal_errors(false)
        // A client keeps it in a file, where colours are noise.
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,rmcp=warn")),
        )
        .init();
    let cli = ServerCli::parse();
    if cli.bundled {
        return relaunch();
    }
    if cli.inventory {
        let inventory = aport_gate::inventory(&tools()).to_string();
        return match std::io::stdout().write_all(inventory.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(2),
        };
    }
    match serve(&cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(2)
        }
    }
}

async fn serve(cli: &ServerCli) -> Result<(), Box<dyn std::error::Error>> {
    let gate = Gate::from_env().await?;
    let desks = Desks::from_env(&home()?)?;
    desks.log();
    let server = Server::new(gate, desks)
        .named("aport-gate-server", env!("CARGO_PKG_VERSION"))
        .with_routes(tools());
    let Some(options) = cli.http_options() else {
        return Ok(server.serve_stdio().await?);
    };
    let server = server.bind_http(options).await?;
    writeln!(std::io::stdout(), "listening on {}", server.url())?;
    server.serve().await?;
    Ok(())
}
