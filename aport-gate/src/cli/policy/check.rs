//! `policy check`.

use aport_gate_oap::Pack;
use clap::Args;

use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::findings::Files;
use crate::cli::output::Output;

/// Report everything wrong with pack files, with line and column.
///
/// An error keeps the pack from loading, or makes every decision under it a deny. A warning is
/// something that is probably not what was meant.
#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    #[command(flatten)]
    files: Files,
}

impl Check {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        self.files.check(Pack::check, output)
    }
}
