//! A share of a cap, taken before the body runs, then committed, released or held.

use std::fmt;
use std::sync::Arc;

use aport_gate_oap::Charge;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde_json::json;

use super::error::{LedgerError, Problem};
use super::worker::{Queue, Worker};
use super::{audit, counters};

/// How the body of a tool ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyOutcome {
    /// It returned a result.
    Ok,
    /// It returned an error.
    Error,
    /// It panicked.
    Panicked,
    /// It was dropped before it ended, or never began.
    Abandoned,
}

/// What becomes of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The effect took place: the charges stay.
    Commit,
    /// Nothing was executed: the charges and the idempotency key are given back.
    Release,
    /// Nobody knows: the charges stay until their windows end.
    Hold,
}

/// A reservation that is settled exactly once, by [`Reservation::settle`] or by its drop.
#[derive(Debug)]
pub(crate) struct Reservation {
    // Dropped before the worker: the worker waits until nobody can send jobs any more.
    guard: Guard,
    _worker: Arc<Worker>,
}

impl Reservation {
    pub(super) fn new(guard: Guard, worker: Arc<Worker>) -> Self {
        Self {
            guard,
            _worker: worker,
        }
    }

    /// The body begins: from here on, a drop holds.
    pub(crate) fn start(&mut self) {
        self.guard.started = true;
    }

    /// Settles, and writes the outcome record in the same transaction.
    pub(crate) async fn settle(
        mut self,
        outcome: BodyOutcome,
        execution: Settlement,
    ) -> Result<(), LedgerError> {
        // From the next line on the queued job settles, even when this future is dropped.
        let end = self.guard.end(outcome, execution);
        self.guard.settled = true;
        self.guard
            .queue
            .ask(move |connection| settle(connection, &end))
            .await
    }
}

/// Settles on drop. Exists on the worker's thread before anybody receives the reservation.
pub(super) struct Guard {
    queue: Queue,
    decision_id: String,
    started: bool,
    settled: bool,
}

impl Guard {
    pub(super) fn new(queue: Queue, decision_id: String) -> Self {
        Self {
            queue,
            decision_id,
            started: false,
            settled: false,
        }
    }

    fn end(&self, outcome: BodyOutcome, settlement: Settlement) -> End {
        End {
            decision_id: self.decision_id.clone(),
            executed: self.started,
            outcome,
            settlement,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let settlement = if self.started {
            Settlement::Hold
        } else {
            Settlement::Release
        };
        let end = self.end(BodyOutcome::Abandoned, settlement);
        self.queue.tell(move |connection| settle(connection, &end));
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Guard")
            .field("decision_id", &self.decision_id)
            .field("started", &self.started)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

struct End {
    decision_id: String,
    executed: bool,
    outcome: BodyOutcome,
    settlement: Settlement,
}

fn settle(connection: &mut Connection, end: &End) -> Result<(), Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let state = end.settlement.state();
    // Only a pending reservation changes: settling twice finds none.
    let (agent, policy, charges, key): (String, String, String, Option<String>) = transaction
        .prepare_cached(
            "UPDATE reservations SET state = ?2 WHERE decision_id = ?1 AND state = 'pending'
             RETURNING agent, policy, charges, idempotency_key",
        )?
        .query_row(params![end.decision_id, state], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?
        .ok_or_else(|| Problem::NotPending(end.decision_id.clone()))?;
    if end.settlement == Settlement::Release {
        let taken: Vec<Charge> = serde_json::from_str(&charges).map_err(|error| {
            let id = &end.decision_id;
            Problem::Corrupt(format!(
                "the charges of decision `{id}` are not readable: {error}"
            ))
        })?;
        counters::give_back(&transaction, &agent, &policy, &taken)?;
        if let Some(key) = key {
            counters::free_key(&transaction, &end.decision_id, &agent, &policy, &key)?;
        }
    }
    let body = json!({
        "outcome": end.outcome.name(),
        "executed": end.executed,
        "reservation": state,
    });
    audit::append(&transaction, "outcome", Some(&end.decision_id), &body)?;
    transaction.commit()?;
    Ok(())
}

impl BodyOutcome {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Panicked => "panicked",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Settlement {
    fn state(self) -> &'static str {
        match self {
            Self::Commit => "committed",
            Self::Release => "released",
            Self::Hold => "held",
        }
    }
}
