//! `audit verify`.

use std::path::Path;

use clap::Args;
use serde_json::json;

use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::output::{Output, Tone, one_line};
use crate::{AuditHead, Ledger, LedgerError};

/// Check every record of the chain, while servers go on.
///
/// By itself the chain shows any record that was edited, removed or moved. That its end was not cut
/// off, and that it was not written anew as a whole, shows only against a head that was kept
/// elsewhere: `aport-gate audit head` prints it.
#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// A head that was kept, or `@FILE` with it; may be given more than once.
    #[arg(long, value_name = "HEAD")]
    head: Vec<String>,
}

impl Verify {
    pub(super) async fn run(
        &self,
        ledger: &Ledger,
        output: &mut Output,
    ) -> Result<Verdict, Failure> {
        let heads = self
            .head
            .iter()
            .map(|text| head(text))
            .collect::<Result<Vec<_>, _>>()?;
        let checking = async {
            let mut checked = ledger.verify().await;
            for kept in &heads {
                if checked.is_ok() {
                    checked = ledger.verify_against(*kept).await;
                }
            }
            checked
        };
        let checked = output.during("checking every record", checking).await;
        let (verdict, records, head, problem) = match checked {
            Ok(summary) => (Verdict::Good, Some(summary.records), summary.head, None),
            Err(LedgerError::Tampered {
                sequence, problem, ..
            }) => (Verdict::Bad, None, String::new(), Some((sequence, problem))),
            Err(error) => return Err(error.into()),
        };
        if output.is_json() {
            output.value(&json!({
                "ok": verdict == Verdict::Good, "records": records,
                "head": records.map(|records| format!("{records}:{head}")),
                "record_at_fault": problem.as_ref().map(|(sequence, _)| sequence),
                "problem": problem.as_ref().map(|(_, problem)| problem),
                "heads_checked": heads.iter().map(ToString::to_string).collect::<Vec<_>>(),
            }));
            return Ok(verdict);
        }
        match (records, problem) {
            (Some(records), _) => {
                let word = output.tone(Tone::Good, "ok");
                output.line(format_args!(
                    "{word}  {records} records, head {records}:{head}"
                ));
                if heads.is_empty() {
                    eprintln!("note: without `--head` a tail that was cut off cannot show");
                }
            }
            (None, problem) => {
                let (sequence, problem) = problem.unwrap_or_default();
                let word = output.tone(Tone::Bad, "TAMPERED");
                output.line(format_args!(
                    "{word}  record {sequence}: {}",
                    one_line(&problem)
                ));
            }
        }
        Ok(verdict)
    }
}

fn head(text: &str) -> Result<AuditHead, Failure> {
    let kept = match text.strip_prefix('@') {
        Some(path) => String::from_utf8_lossy(&file::read(Path::new(path))?).into_owned(),
        None => text.to_owned(),
    };
    kept.trim()
        .parse()
        .map_err(|error: crate::InvalidAuditHead| {
            Failure::new(error.to_string()).hint("`aport-gate audit head` prints one")
        })
}
