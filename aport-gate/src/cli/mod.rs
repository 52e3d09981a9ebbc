//! The command `aport-gate`: for operators and for tests of policies.

mod argument;
mod audit;
mod command;
mod decide;
mod doctor;
mod environment;
pub(crate) mod failure;
mod file;
mod findings;
mod keys;
mod ledger;
mod next_step;
mod output;
pub(crate) mod passport;
mod policy;
mod registry;
mod token;
mod when;

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use self::command::Cli;
use self::failure::Failure;
use self::output::Output;
use crate::terminal::{is_coloured, parse};

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Done, allowed, or every check passed: exit code 0.
    Good,
    /// Denied, or a check failed: exit code 1.
    Bad,
}

/// Runs the command that the arguments of this process name.
#[must_use]
pub fn main() -> ExitCode {
    let (cli, command) = match parse::<Cli>() {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // A log that cannot be written must not panic in the call that it tells of.
        .log_internal_errors(false)
        .with_ansi(is_coloured(&std::io::stderr()))
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| {
            let serves = cli.command.serves();
            EnvFilter::new(if serves {
                "warn,aport_gate=info"
            } else {
                "error"
            })
        }))
        .init();
    let mut output = Output::new(cli.json);
    let mut runtime = if cli.command.serves() {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let verdict = runtime
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))
        .and_then(|runtime| runtime.block_on(cli.command.run(&mut output)))
        .and_then(|verdict| output.finish().map(|()| verdict));
    match verdict {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::from(1),
        Err(failure) => {
            failure.report(cli.json, &command);
            ExitCode::from(2)
        }
    }
}
