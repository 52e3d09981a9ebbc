//! `audit prune`.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, counted};
use crate::{Ledger, Retention};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Remove at once the counters and idempotency keys that are kept no longer.
///
/// Servers do the same by themselves in small steps. Audit records are never removed, nor is a
/// counter of a window that is still open. Without flags, what the servers' own settings keep is
/// kept. Nothing is kept for less than a day.
#[derive(Debug, Args)]
pub(in crate::cli) struct Prune {
    /// Keep counters for this many days after their window.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    counter_days: Option<u32>,
    /// Keep idempotency keys for this many days; after that the same key pays again.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    key_days: Option<u32>,
}

impl Prune {
    pub(super) async fn run(
        &self,
        ledger: &Ledger,
        mut retention: Retention,
        output: &mut Output,
    ) -> Result<Verdict, Failure> {
        if let Some(days) = self.counter_days {
            retention = retention.counters(DAY * days);
        }
        if let Some(days) = self.key_days {
            retention = retention.idempotency_keys(DAY * days);
        }
        let pruned = ledger.prune(retention).await?;
        if output.is_json() {
            output.value(&json!({
                "counters": pruned.counters, "idempotency_keys": pruned.idempotency_keys,
                "reservations": pruned.reservations,
            }));
        } else {
            let number =
                |count: u64, word| counted(usize::try_from(count).unwrap_or(usize::MAX), word);
            output.line(format_args!(
                "removed {} and {}; {} of dead processes settled as abandoned",
                number(pruned.counters, "counter"),
                number(pruned.idempotency_keys, "idempotency key"),
                number(pruned.reservations, "reservation"),
            ));
        }
        Ok(Verdict::Good)
    }
}
