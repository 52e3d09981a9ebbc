//! `aport-gate policy`.

mod check;
mod list;
mod show;
pub(super) mod source;
mod test;

use clap::Subcommand;

use super::Verdict;
use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(check::Check),
    /// List the packs that servers decide by.
    List,
    Show(show::Show),
    Test(Box<test::Test>),
}

impl Command {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        match self {
            Self::List => list::run(output),
            Self::Show(show) => show.run(output),
            Self::Check(check) => check.run(output),
            Self::Test(test) => test.run(output),
        }
    }
}
