//! `aport-gate policy`.

mod check;
mod source;
mod test;

use clap::Subcommand;

use super::Verdict;
use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(check::Check),
    Test(Box<test::Test>),
}

impl Command {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        match self {
            Self::Check(check) => check.run(output),
            Self::Test(test) => test.run(output),
        }
    }
}
