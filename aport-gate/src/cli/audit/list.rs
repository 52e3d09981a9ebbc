//! `audit list`.

use std::time::Duration;

use clap::Args;

use super::filter::Filter;
use super::record::{heading, line, to_json};
use super::tail::{last, next};
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::{AuditRecord, Ledger};

/// How often `--follow` looks for new records.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// List the latest records, oldest first; with `--json` one JSON object a line.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    filter: Filter,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Then wait for more.
    #[arg(long, short)]
    follow: bool,
}

impl List {
    pub(super) async fn run(
        &self,
        ledger: &Ledger,
        output: &mut Output,
    ) -> Result<Verdict, Failure> {
        let (records, mut end) = last(ledger, &self.filter, self.limit).await?;
        if !output.is_json() {
            heading(output);
        }
        for record in &records {
            print(output, record);
        }
        if !self.follow {
            return Ok(Verdict::Good);
        }
        loop {
            output.flush();
            if output.is_closed() {
                return Ok(Verdict::Good);
            }
            tokio::time::sleep(LOOK_EVERY).await;
            while let Some(page) = next(ledger, end).await? {
                for record in &page {
                    end = record.sequence;
                    if self.filter.admits(ledger, record).await? {
                        print(output, record);
                    }
                }
            }
        }
    }
}

fn print(output: &mut Output, record: &AuditRecord) {
    if output.is_json() {
        output.value(&to_json(record));
    } else {
        line(output, record);
    }
}
