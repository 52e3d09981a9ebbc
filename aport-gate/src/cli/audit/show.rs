//! `audit show`.

use clap::Args;
use serde_json::{Value, json};

use super::record::{heading, line, to_json};
use crate::Ledger;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, one_line};

/// Show the records of one decision: the decision itself, and what became of the call.
#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// Decision id, or the number of a record.
    #[arg(value_name = "ID")]
    id: String,
}

impl Show {
    pub(super) async fn run(
        &self,
        ledger: &Ledger,
        output: &mut Output,
    ) -> Result<Verdict, Failure> {
        let records = match self.id.parse::<u64>() {
            Ok(number) => {
                let mut one = ledger.records(number.saturating_sub(1), 1).await?;
                one.retain(|record| record.sequence == number);
                one
            }
            Err(_) => ledger.records_of(&self.id).await?,
        };
        if records.is_empty() {
            return Err(Failure::new(format!(
                "the ledger has no record of `{}`",
                one_line(&self.id)
            ))
            .hint("aport-gate audit list"));
        }
        if output.is_json() {
            let records: Vec<Value> = records.iter().map(to_json).collect();
            output.value(&json!({ "records": records }));
            return Ok(Verdict::Good);
        }
        heading(output);
        for record in &records {
            line(output, record);
            output.text(&format!("{:#}", record.body));
            output.line(format_args!("hash {}", one_line(&record.hash)));
        }
        Ok(Verdict::Good)
    }
}
