//! `audit list`.

use std::time::{Duration, Instant};

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
/// How long `--follow` waits for a ledger that does not answer.
const LONGEST_OUTAGE: Duration = Duration::from_secs(300);

/// List the latest records, oldest first; with `--json` one JSON object a line.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    filter: Filter,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Then wait for more, until Ctrl-C; a ledger that is away for less than five minutes is waited for.
    #[arg(long, short)]
    follow: bool,
}

impl List {
    pub(super) async fn run(
        &self,
        ledger: &Ledger,
        output: &mut Output,
    ) -> Result<Verdict, Failure> {
        let found = last(ledger, &self.filter, self.limit);
        let (records, mut end) = output.during("reading the ledger", found).await?;
        if !output.is_json() {
            heading(output);
        }
        for record in &records {
            print(output, record);
        }
        if !self.follow {
            return Ok(Verdict::Good);
        }
        let stop = crate::stop::signal()
            .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))?;
        tokio::pin!(stop);
        let mut away: Option<Instant> = None;
        loop {
            output.flush();
            if output.is_closed() {
                return Ok(Verdict::Good);
            }
            let more = async {
                tokio::time::sleep(LOOK_EVERY).await;
                self.more(ledger, &mut end, output).await
            };
            let looked = tokio::select! {
                () = &mut stop => return Ok(Verdict::Good),
                looked = more => looked,
            };
            match (looked, away) {
                (Ok(()), None) => {}
                (Ok(()), Some(_)) => {
                    eprintln!("note: the ledger answers again");
                    away = None;
                }
                (Err(failure), None) => {
                    eprintln!("note: {failure}; looking again until it answers");
                    away = Some(Instant::now());
                }
                (Err(failure), Some(since)) if since.elapsed() > LONGEST_OUTAGE => {
                    return Err(failure.hint("follow again once the ledger answers"));
                }
                (Err(_), Some(_)) => {}
            }
        }
    }

    /// Prints what came after `end`, and moves it.
    async fn more(
        &self,
        ledger: &Ledger,
        end: &mut u64,
        output: &mut Output,
    ) -> Result<(), Failure> {
        while let Some(page) = next(ledger, *end).await? {
            for record in &page {
                if self.filter.admits(ledger, record).await? {
                    print(output, record);
                }
                // Only now: after a failure it is looked at again.
                *end = record.sequence;
            }
        }
        Ok(())
    }
}

fn print(output: &mut Output, record: &AuditRecord) {
    if output.is_json() {
        output.value(&to_json(record));
    } else {
        line(output, record);
    }
}
