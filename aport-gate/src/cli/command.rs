//! The command line.

use clap::{Parser, Subcommand};

use super::failure::Failure;
use super::output::Output;
use super::{Verdict, audit, decide, doctor, keys, ledger, passport, policy, registry, token};

/// Policies, passports, decisions and the audit trail of aport-gate.
///
/// Exit code: 0 done or allowed, 1 denied or a check failed, 2 usage or environment error.
#[derive(Debug, Parser)]
#[command(name = "aport-gate", version, propagate_version = true)]
pub(super) struct Cli {
    /// JSON for machines instead of text; errors too, on standard error.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Policy packs: list, show, check and test them.
    #[command(subcommand)]
    Policy(policy::Command),
    Decide(Box<decide::Decide>),
    /// The audit trail: what was decided, and that nobody changed it.
    #[command(subcommand)]
    Audit(audit::Command),
    Doctor(doctor::Doctor),
    /// The ledger's file: copy it, and remove what is old.
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// The keys that decisions are signed with.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Passports: who an agent is and what it may do.
    #[command(subcommand)]
    Passport(passport::Command),
    /// Bearer tokens: what agents prove with who they are, over HTTP.
    #[command(subcommand)]
    Token(token::Command),
    Registry(Box<registry::Registry>),
}

impl Command {
    /// Whether it is a server.
    pub(super) fn serves(&self) -> bool {
        matches!(self, Self::Registry(registry) if registry.serves())
    }

    pub(super) async fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        match self {
            Self::Policy(command) => command.run(output),
            Self::Passport(command) => command.run(output),
            Self::Keys(command) => command.run(output),
            Self::Token(command) => command.run(output),
            Self::Ledger(command) => command.run(output).await,
            Self::Decide(decide) => decide.run(output).await,
            Self::Audit(command) => command.run(output).await,
            Self::Registry(registry) => registry.run(output).await,
            Self::Doctor(doctor) => doctor.run(output).await,
        }
    }
}
