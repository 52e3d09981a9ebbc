//! `aport-gate audit`.

mod export;
mod filter;
mod head;
mod list;
mod record;
mod show;
mod tail;
mod verify;

use clap::Subcommand;

use super::Verdict;
use super::environment::Environment;
use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(list::List),
    Show(show::Show),
    Verify(verify::Verify),
    /// Print the head of the chain, to be kept where nobody who can write the ledger can change it.
    Head,
    Export(export::Export),
}

impl Command {
    pub(super) async fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let environment = Environment::read()?;
        let ledger = output
            .during("opening the ledger", environment.ledger())
            .await?;
        match self {
            Self::List(list) => list.run(&ledger, output).await,
            Self::Show(show) => show.run(&ledger, output).await,
            Self::Verify(verify) => verify.run(&ledger, output).await,
            Self::Head => head::run(&ledger, output).await,
            Self::Export(export) => export.run(&ledger, output).await,
        }
    }
}
