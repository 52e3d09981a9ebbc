//! `audit backup`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::Ledger;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Copy the ledger to a new file while servers go on, and check the chain of the copy.
///
/// Copying the file of a running server by other means is no backup. A ledger that is put back has
/// forgotten what was spent since: keep `aport-gate audit head` elsewhere as well.
#[derive(Debug, Args)]
pub(in crate::cli) struct Backup {
    /// The new file.
    #[arg(value_name = "FILE")]
    target: PathBuf,
}

impl Backup {
    pub(super) async fn run(
        &self,
        ledger: &Ledger,
        output: &mut Output,
    ) -> Result<Verdict, Failure> {
        let summary = ledger.backup(&self.target).await?;
        let (records, file) = (summary.records, self.target.display().to_string());
        let head = format!("{records}:{}", summary.head);
        if output.is_json() {
            output.value(&json!({ "file": file, "records": records, "head": head }));
        } else {
            output.line(format_args!("{file}: {records} records, head {head}"));
        }
        Ok(Verdict::Good)
    }
}
