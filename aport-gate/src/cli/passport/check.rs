//! `passport check`.

use aport_gate_oap::{Pack, Passport};
use clap::Args;

use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::findings::Files;
use crate::cli::output::{Output, one_line};
use crate::cli::policy::source;

/// Report everything wrong with passport files, with line and column.
///
/// An error keeps a verifier from reading the passport, or makes a pack refuse every call that needs
/// the limit. A warning is what OAP asks for and a verifier can do without, or a limit that no rule of
/// the packs here reads.
#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    #[command(flatten)]
    files: Files,
}

impl Check {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let packs = source::set().inspect_err(|failure| {
            let said = one_line(&failure.to_string());
            eprintln!("warning: limits are not held against packs: {said}");
        });
        let packs: Vec<&Pack> = packs
            .iter()
            .flat_map(|set| set.iter())
            .map(|loaded| &**loaded.pack())
            .collect();
        self.files
            .check(|bytes| Passport::check_under(bytes, &packs), output)
    }
}
