//! Removing what decisions no longer need, by a function of the database.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use tokio_postgres::{Client, Error};

use super::super::audit::Entry;
use super::super::error::LedgerError;
use super::super::retention::{Pruned, Retention};
use super::failure;

/// Most rows of each kind that one step removes: decisions wait for one step at most.
const STEP_ROWS: i32 = 500;
/// When a server asks first: what it was started for comes before.
const FIRST_ASK: Duration = Duration::from_secs(60);
/// How often a server asks whether a look is due.
const ASK_EVERY: Duration = Duration::from_secs(10 * 60);

const PRUNE: &str = "SELECT counters, keys, lost, more
    FROM aport_gate.prune($1, $2, $3, $4, $5, $6, $7)";

/// Upkeep between the writes of one server.
pub(in crate::ledger) struct Upkeep {
    retention: Retention,
    due: Instant,
}

impl Upkeep {
    pub(in crate::ledger) fn new(retention: Retention) -> Self {
        Self {
            retention,
            due: Instant::now() + FIRST_ASK,
        }
    }

    pub(in crate::ledger) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// One step, if the last look of any server is an hour ago. A failure is no failure of the
    /// writes: it is logged, and tried again later.
    pub(in crate::ledger) async fn look(&mut self, client: &Client, ledger: &str) {
        self.due = Instant::now() + ASK_EVERY;
        match step(client, ledger, self.retention, false).await {
            Ok((_, true)) => self.due = Instant::now(),
            Ok((_, false)) => {}
            Err(error) => tracing::warn!(%error, "old counters and keys were not pruned"),
        }
    }
}

/// Every step of a pruning that was asked for.
pub(in crate::ledger) async fn prune(
    client: &Client,
    ledger: &str,
    retention: Retention,
) -> Result<Pruned, LedgerError> {
    let mut pruned = Pruned::default();
    loop {
        let (removed, more) = step(client, ledger, retention, true).await?;
        pruned.add(removed);
        if !more {
            return Ok(pruned);
        }
    }
}

async fn step(
    client: &Client,
    ledger: &str,
    retention: Retention,
    forced: bool,
) -> Result<(Pruned, bool), LedgerError> {
    let [counters, keys, lost] = retention.seconds();
    // Whether the body began, nobody lives to tell.
    let body = json!({ "outcome": "abandoned", "executed": null, "reservation": "held" });
    let entry = Entry::new("outcome", None, &body).map_err(|problem| problem.at(ledger))?;
    let removed = async {
        let row = client
            .query_one(
                PRUNE,
                &[
                    &counters,
                    &keys,
                    &lost,
                    &forced,
                    &STEP_ROWS,
                    &entry.at,
                    &entry.body,
                ],
            )
            .await?;
        let count = |rows: i64| u64::try_from(rows).unwrap_or(0);
        let pruned = Pruned {
            counters: count(row.try_get(0)?),
            idempotency_keys: count(row.try_get(1)?),
            reservations: count(row.try_get(2)?),
        };
        Ok((pruned, row.try_get(3)?))
    };
    removed
        .await
        .map_err(|error: Error| failure::statement(ledger, &error))
}
