//! The ledger: durable usage counters, reservations, idempotency keys and the audit chain.
//!
//! One SQLite file is shared by every server process of a machine: a desktop runs one process per
//! MCP client, and all of them must spend from the same daily cap. Every write is one
//! `BEGIN IMMEDIATE` transaction, so two processes never read the same total and both spend it.

mod audit;
mod counters;
mod decide;
mod error;
mod reservation;
mod schema;
#[cfg(test)]
mod tests;
mod worker;

use std::path::Path;
use std::sync::Arc;

use aport_gate_oap::{Usage, UsagePlan};

pub use self::audit::{AuditRecord, AuditSummary};
pub(crate) use self::decide::{Recorded, Verdict};
pub use self::error::LedgerError;
pub(crate) use self::reservation::{BodyOutcome, Reservation, Settlement};
use self::worker::Worker;

/// A handle on one ledger file. Clones share one connection, owned by one thread.
///
/// Dropping the last clone, or the last reservation taken from it, waits until what was already
/// asked for is written.
#[derive(Clone, Debug)]
pub struct Ledger {
    worker: Arc<Worker>,
}

impl Ledger {
    /// Opens the ledger at `path`; creates the file and its directory when they are missing.
    ///
    /// What the ledger acknowledged survives the death of the process (WAL, `synchronous=NORMAL`).
    /// A power cut may lose the last transactions, never their order.
    ///
    /// # Errors
    ///
    /// The directory cannot be written, the file is corrupt, belongs to another program, or was
    /// written by a newer version.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let worker = Worker::spawn(path)?;
        Ok(Self {
            worker: Arc::new(worker),
        })
    }

    /// Reads the plan's counters and key, evaluates, and records the decision with its charges, all
    /// in one transaction. Answers only after the commit.
    ///
    /// Dropping the future, at a deadline for one, gives back whatever it would have reserved.
    pub(crate) async fn decide(
        &self,
        agent: String,
        policy: String,
        plan: UsagePlan,
        evaluate: Box<dyn FnOnce(&Usage) -> Verdict + Send>,
    ) -> Result<Recorded, LedgerError> {
        let queue = self.worker.queue()?;
        let guards = queue.clone();
        let (decision, guard) = queue
            .ask_while_wanted(move |connection| {
                let decision = decide::decide(connection, &agent, &policy, &plan, evaluate)?;
                // Made on the worker, so that an answer nobody receives releases by itself.
                let guard = decision
                    .allow
                    .then(|| reservation::Guard::new(guards, decision.decision_id.to_string()));
                Ok((decision, guard))
            })
            .await?;
        let reservation = guard.map(|guard| Reservation::new(guard, Arc::clone(&self.worker)));
        Ok(Recorded {
            decision,
            reservation,
        })
    }

    /// Appends the record of a call that got no decision.
    pub(crate) async fn refuse(&self, record: serde_json::Value) -> Result<(), LedgerError> {
        self.worker
            .queue()?
            .ask(move |connection| decide::refuse(connection, &record))
            .await
    }

    /// Checks every record of the audit chain, on a connection of its own: decisions go on.
    ///
    /// A chain rewritten from some record to its end, head included, is consistent with itself.
    /// Keep [`AuditSummary::head`] somewhere else to notice that.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Tampered`] names the first record that was edited, removed or moved.
    pub async fn verify(&self) -> Result<AuditSummary, LedgerError> {
        self.worker.read(audit::verify).await
    }

    /// At most `limit` audit records with a sequence above `after`, in order.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a record's body is not JSON any more.
    pub async fn records(&self, after: u64, limit: u32) -> Result<Vec<AuditRecord>, LedgerError> {
        self.worker
            .read(move |connection| audit::records(connection, after, limit))
            .await
    }
}
