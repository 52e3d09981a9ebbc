//! `aport-gate registry`.

mod keys;
mod listen;

use clap::{Args, Subcommand};

use self::listen::Listen;
use super::Verdict;
use super::failure::Failure;
use super::output::Output;

/// Serve decisions, passports and keys over HTTP, for gates and SDKs elsewhere.
///
/// Uses the passports, packs and keys of APORT_HOME and the ledger of APORT_DATABASE_URL, signs
/// every decision, and stops in order on SIGTERM or Ctrl-C.
///
/// Without further options it serves this machine alone. To serve others, end TLS in a proxy in
/// front, make keys with `aport-gate registry key add`, and give `--behind-tls`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Registry {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    listen: Listen,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The keys of those who ask the registry.
    #[command(subcommand)]
    Key(keys::Command),
}

impl Registry {
    /// Whether it goes on until it is stopped.
    pub(super) fn serves(&self) -> bool {
        self.command.is_none()
    }

    pub(super) async fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        match &self.command {
            Some(Command::Key(command)) => command.run(output),
            None => self.listen.run(output).await,
        }
    }
}
