//! An MCP server with two gated tools, on standard input and output or over HTTP.
//!
//! `--http 127.0.0.1:8080` serves many clients over streamable HTTP.
//! `--inventory` prints what guards them, as JSON, and serves nothing.

use std::io::Write as _;
use std::num::NonZero;
use std::process::ExitCode;

use aport_gate::{Gate, Server};
use aport_gate_examples::{Desks, ServerCli, Telemetry, home, relaunch, tools};
use clap::Parser as _;
use tokio::runtime::{Builder, Runtime};

/// Threads for the calls of one client. A desktop runs a server for each of its clients, and each thread costs
/// memory.
const THREADS_FOR_ONE: usize = 4;

fn main() -> ExitCode {
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
    match runtime(&cli) {
        Ok(runtime) => runtime.block_on(run(&cli)),
        Err(error) => {
            // Nothing tells of a server that has no runtime yet.
            let _ = writeln!(std::io::stderr(), "cannot start: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(cli: &ServerCli) -> ExitCode {
    let telemetry = Telemetry::start();
    let served = serve(cli).await;
    if let Err(error) = &served {
        tracing::error!("{error}");
    }
    telemetry.end().await;
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

/// One thread for each processor where many clients are served.
fn runtime(cli: &ServerCli) -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if cli.http.is_none() {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        builder.worker_threads(processors.min(THREADS_FOR_ONE));
    }
    builder.enable_all().build()
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
