//! `audit list`.

use std::time::{Duration, Instant};

use clap::Args;

use super::filter::Filter;
use super::record::{heading, line, to_json};
use super::tail::{last, next};
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, one_line};
use crate::{AuditRecord, Ledger};

/// Records that are listed where nothing says how many.
const MOST: usize = 50;
/// How often `--follow` looks for new records.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long `--follow` waits for a ledger that does not answer.
const LONGEST_OUTAGE: Duration = Duration::from_secs(300);

/// List the latest records, oldest first; with `--json` one JSON object a line.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    filter: Filter,
    /// At most this many; 50 where nothing is said, and with `--key` all.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
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
        let limit = self.limit();
        // One more than is shown tells that there are more.
        let found = last(ledger, &self.filter, limit.saturating_add(1));
        let (mut records, mut end) = output.during("reading the ledger", found).await?;
        let unshown = records.len().saturating_sub(limit);
        records.drain(..unshown);
        if !output.is_json() {
            heading(output);
        }
        for record in &records {
            print(output, record);
        }
        if !self.follow {
            output.flush();
            self.note(limit, records.len(), unshown > 0);
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

    fn limit(&self) -> usize {
        let all = self.filter.key().map(|_| usize::MAX);
        self.limit.or(all).unwrap_or(MOST)
    }

    /// Says on standard error what the list itself does not show.
    fn note(&self, limit: usize, listed: usize, is_cut: bool) {
        if is_cut {
            eprintln!(
                "note: only the last {limit} records are listed, and there are earlier ones; give more with `--limit N`, or narrow the search with `--key`, `--tool`, `--agent` or `--since`"
            );
        }
        if let (Some(key), 0) = (self.filter.key(), listed) {
            let key = one_line(key);
            eprintln!(
                "note: no call with these properties was allowed under the key `{key}` by this ledger; one whose policy takes no idempotency key is found with `--tool NAME --allow`"
            );
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
