//! Without arguments: a demonstration. With `call`: one call of one tool. With `tools`: what there is to call.

use std::process::ExitCode;

use aport_gate::terminal::{is_coloured, parse};
use aport_gate_examples::{
    NextStep as _, call_command,
    cli::{Cli, Command},
    demo, tools_command,
};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let (cli, _) = match parse::<Cli>() {
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
    let outcome = match &cli.command {
        None => demo::run(&cli.common, cli.keep).await.map(code),
        Some(Command::Call(call)) => call_command::run(&cli.common, call).await,
        Some(Command::Tools(tools)) => tools_command::run(&cli.common, tools).await.map(code),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            error.tell(cli.common.json);
            ExitCode::from(2)
        }
    }
}

/// As expected, or not.
fn code(expected: bool) -> ExitCode {
    match expected {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    }
}
