//! Without arguments: a demonstration. With `call`: one call of one tool.

use std::process::ExitCode;

use aport_gate_examples::{
    call_command,
    cli::{Cli, Command},
    demo,
};
use clap::Parser as _;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // A log that cannot be written must not panic in the call that it tells of.
        .log_internal_errors(false)
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error")),
        )
        .init();
    let cli = Cli::parse();
    let outcome = match &cli.command {
        None => demo::run(&cli.common, cli.keep).await,
        Some(Command::Call(call)) => call_command::run(&cli.common, call).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
