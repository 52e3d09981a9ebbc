//! `passport check`.

use aport_gate_oap::Passport;
use clap::Args;

use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::findings::Files;
use crate::cli::output::Output;

/// Report everything wrong with passport files, with line and column.
///
/// An error keeps a verifier from reading the passport. A warning is what OAP asks for and a
/// verifier can do without.
#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    #[command(flatten)]
    files: Files,
}

impl Check {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        self.files.check(Passport::check, output)
    }
}
