//! `audit export`.

use clap::Args;

use super::filter::Filter;
use super::record::to_json;
use super::tail::next;
use crate::Ledger;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Print every record as JSON Lines, oldest first.
///
/// Records that are written meanwhile are left for the next export: go on with `--after` and the
/// last number exported.
#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    filter: Filter,
    /// Only records after this number.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
}

impl Export {
    pub(super) async fn run(
        &self,
        ledger: &Ledger,
        output: &mut Output,
    ) -> Result<Verdict, Failure> {
        let end = ledger.head().await?.sequence;
        let mut after = self.after;
        while after < end && !output.is_closed() {
            let Some(page) = next(ledger, after).await? else {
                break;
            };
            for record in page.iter().take_while(|record| record.sequence <= end) {
                if self.filter.admits(ledger, record).await? {
                    output.value(&to_json(record));
                }
            }
            after = page.last().map_or(end, |record| record.sequence);
        }
        Ok(Verdict::Good)
    }
}
