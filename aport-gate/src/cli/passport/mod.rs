//! `aport-gate passport`.

mod check;
mod compose;
pub(crate) mod document;
mod edit;
mod issue;
mod list;
mod show;
mod status;
pub(crate) mod store;

use aport_gate_oap::AgentId;
use clap::{Args, Subcommand};

use self::status::Change;
use super::Verdict;
use super::environment::Environment;
use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Issue(Box<issue::Issue>),
    Check(check::Check),
    /// List the passports there are.
    List,
    /// Show one passport.
    Show(Agent),
    /// Stop an agent for now; every running server denies it from its next call on.
    Suspend(Agent),
    /// Put a suspended passport, or a draft, into force.
    Resume(Agent),
    /// Stop an agent for good. There is no way back.
    Revoke(Agent),
}

#[derive(Debug, Args)]
pub(super) struct Agent {
    /// The agent's id.
    #[arg(value_name = "ID", value_parser = |text: &str| AgentId::parse(text))]
    id: AgentId,
}

impl Command {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let store = || Ok::<_, Failure>(store::Store::new(Environment::read()?.passports()));
        match self {
            Self::Check(check) => check.run(output),
            Self::Issue(issue) => issue.run(&store()?, output),
            Self::List => list::run(&store()?, output),
            Self::Show(agent) => show::run(&store()?, &agent.id, output),
            Self::Suspend(agent) => status::change(&store()?, &agent.id, Change::Suspend, output),
            Self::Resume(agent) => status::change(&store()?, &agent.id, Change::Resume, output),
            Self::Revoke(agent) => status::change(&store()?, &agent.id, Change::Revoke, output),
        }
    }
}
