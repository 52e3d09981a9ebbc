//! Removing what decisions no longer need, in small steps between them.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::json;

use super::super::audit::Entry;
use super::super::error::Problem;
use super::super::retention::{Pruned, Retention};
use super::chain;

/// Most rows of each kind that one transaction removes: a decision waits for one step at most.
const STEP_ROWS: u32 = 500;
/// Seconds between two looks at a ledger, by whichever process.
const LOOK_EVERY: i64 = 60 * 60;
/// How often a process asks whether a look is due.
const ASK_EVERY: Duration = Duration::from_secs(10 * 60);

/// What one step came to.
pub(super) struct Step {
    pub(super) pruned: Pruned,
    /// Whether there may be more.
    pub(super) more: bool,
}

/// Upkeep between the writes of one connection.
pub(super) struct Upkeep {
    retention: Retention,
    due: Instant,
}

impl Upkeep {
    pub(super) fn new(retention: Retention) -> Self {
        Self {
            retention,
            due: Instant::now(),
        }
    }

    /// Called after writes, never after mere reads: a command that looks into the ledger prunes nothing.
    /// A failure is no failure of the writes: it is logged, and tried again later.
    pub(super) fn after_writes(&mut self, connection: &mut Connection, ledger: &str) {
        if Instant::now() < self.due {
            return;
        }
        self.due = Instant::now() + ASK_EVERY;
        match look(connection, &self.retention, Timestamp::now().as_second()) {
            Ok(step) if step.more => self.due = Instant::now(),
            Ok(_) => {}
            Err(problem) => {
                let error = problem.at(ledger);
                tracing::warn!(%error, "old counters and keys were not pruned");
            }
        }
    }
}

/// One step of regular upkeep, if a look is due.
///
/// It removes what was old at the look before, not what is old now: a clock that jumps ahead and is
/// set right within the hour has removed nothing.
pub(super) fn look(
    connection: &mut Connection,
    retention: &Retention,
    now: i64,
) -> Result<Step, Problem> {
    let nothing = Step {
        pruned: Pruned::default(),
        more: false,
    };
    if (0..LOOK_EVERY).contains(&now.saturating_sub(looked_at(connection)?)) {
        return Ok(nothing);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the lock: another process may have looked meanwhile.
    let before = looked_at(&transaction)?;
    let since = now.saturating_sub(before);
    if (0..LOOK_EVERY).contains(&since) {
        return Ok(nothing);
    }
    let step = if since < 0 {
        nothing
    } else {
        prune(&transaction, retention, before)?
    };
    if !step.more {
        transaction.execute("UPDATE upkeep SET looked_at = ?1", [now])?;
    }
    transaction.commit()?;
    Ok(step)
}

/// One step of a pruning that was asked for.
pub(super) fn step(
    connection: &mut Connection,
    retention: &Retention,
    now: i64,
) -> Result<Step, Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let step = prune(&transaction, retention, now)?;
    transaction.commit()?;
    Ok(step)
}

/// Refuses to charge windows, and to take keys, that may have been pruned: they would seem new.
pub(super) fn refuse_pruned(transaction: &Connection, now: Timestamp) -> Result<(), Problem> {
    let until: i64 = transaction
        .prepare_cached("SELECT pruned_until FROM upkeep")?
        .query_row([], |row| row.get(0))?;
    if now.as_second() < until {
        return Err(Problem::clock_behind(now, until));
    }
    Ok(())
}

fn looked_at(connection: &Connection) -> Result<i64, Problem> {
    let query = "SELECT looked_at FROM upkeep";
    Ok(connection.query_row(query, [], |row| row.get(0))?)
}

fn prune(transaction: &Connection, retention: &Retention, now: i64) -> Result<Step, Problem> {
    // First: a reservation that is given back must find its counters.
    let lost = lost(transaction, retention.lost_until(now))?;
    let until = retention.counters_until(now);
    let counters = if full(lost) {
        0
    } else {
        transaction.execute(
            "DELETE FROM counters
             WHERE (agent, policy, counter, key, window, window_start, window_end) IN (
                 SELECT agent, policy, counter, key, window, window_start, window_end
                 FROM counters WHERE window_end <= ?1 LIMIT ?2)",
            params![until, STEP_ROWS],
        )?
    };
    if counters > 0 {
        forget_until(transaction, until)?;
    }
    let taken_at = transaction
        .prepare_cached(
            "DELETE FROM idempotency_keys WHERE (agent, policy, key) IN (
                 SELECT agent, policy, key FROM idempotency_keys
                 WHERE taken_at <= ?1 AND decision_id NOT IN (SELECT decision_id FROM reservations)
                 LIMIT ?2)
             RETURNING taken_at",
        )?
        .query_map(params![retention.keys_until(now), STEP_ROWS], |row| {
            row.get(0)
        })?
        .collect::<Result<Vec<i64>, _>>()?;
    let keys = taken_at.len();
    if let Some(newest) = taken_at.into_iter().max() {
        forget_until(transaction, retention.keys_forgotten_until(newest))?;
    }
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    Ok(Step {
        pruned: Pruned {
            counters: count(counters),
            idempotency_keys: count(keys),
            reservations: count(lost),
        },
        more: full(counters) || full(keys) || full(lost),
    })
}

/// From now on no clock before this Unix second is believed.
fn forget_until(transaction: &Connection, until: i64) -> Result<(), Problem> {
    transaction
        .prepare_cached("UPDATE upkeep SET pruned_until = max(pruned_until, ?1)")?
        .execute([until])?;
    Ok(())
}

fn full(rows: usize) -> bool {
    u32::try_from(rows).is_ok_and(|rows| rows >= STEP_ROWS)
}

/// Records the end of reservations whose process died: what they took stays taken.
fn lost(transaction: &Connection, until: i64) -> Result<usize, Problem> {
    let decisions = transaction
        .prepare_cached(
            "DELETE FROM reservations WHERE decision_id IN (
                 SELECT decision_id FROM reservations
                 WHERE state = 'pending' AND open_until <= ?1 ORDER BY decision_id LIMIT ?2)
             RETURNING decision_id",
        )?
        .query_map(params![until, STEP_ROWS], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    for decision_id in &decisions {
        // Whether the body began, nobody lives to tell.
        let body = json!({ "outcome": "abandoned", "executed": null, "reservation": "held" });
        chain::append(
            transaction,
            Entry::new("outcome", Some(decision_id), &body)?,
        )?;
    }
    Ok(decisions.len())
}
