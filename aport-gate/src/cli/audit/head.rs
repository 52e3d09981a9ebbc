//! `audit head`.

use serde_json::json;

use crate::Ledger;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub(super) async fn run(ledger: &Ledger, output: &mut Output) -> Result<Verdict, Failure> {
    let head = ledger.head().await?;
    if output.is_json() {
        output.value(&json!({
            "records": head.sequence, "hash": head.hash, "head": head.to_string(),
        }));
    } else {
        output.line(head);
    }
    Ok(Verdict::Good)
}
