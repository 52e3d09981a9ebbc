//! `aport-gate policy`.

mod source;
mod test;

use clap::Subcommand;

use super::Verdict;
use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Test(Box<test::Test>),
}

impl Command {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        match self {
            Self::Test(test) => test.run(output),
        }
    }
}
