//! A chat model that works with gated tools.

use std::process::ExitCode;

use aport_gate::terminal::{is_coloured, parse};
use aport_gate_examples::NextStep as _;
use aport_gate_examples::agent::{self, cli::AgentCli};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let (cli, _) = match parse::<AgentCli>() {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(is_coloured(&std::io::stderr()))
        // A log that cannot be written must not panic in the call that it tells of.
        .log_internal_errors(false)
        .with_env_filter(
            // What ends a connection is told as this command's own error.
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error,rmcp=off")),
        )
        .init();
    match agent::run(&cli).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            error.tell(cli.common.json);
            ExitCode::from(2)
        }
    }
}
