//! What every store of a ledger does.
//!
//! The guarantees are the ledger's, not a store's: the same tests run against every backend.

use std::fmt::Debug;
use std::path::PathBuf;

#[cfg(feature = "cli")]
use aport_gate_oap::Usage;
use aport_gate_oap::{Decision, UsagePlan};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use serde_json::Value;

use super::audit::{AuditRecord, AuditSummary};
use super::error::LedgerError;
use super::head::AuditHead;
use super::reservation::{End, Guard};
use super::retention::{Pruned, Retention};
use super::verdict::Evaluate;

/// One request for a decision.
pub(super) struct Ask {
    pub(super) agent: String,
    pub(super) policy: String,
    pub(super) plan: UsagePlan,
    pub(super) evaluate: Evaluate,
}

/// A store. Its answers come after its commit.
pub(super) trait Backend: Debug + Send + Sync {
    /// Reads the plan's counters and key, evaluates, and records the decision with its charges, all
    /// in one transaction. The guard is there exactly when the decision allows, and exists before
    /// anybody receives the answer: an answer that nobody waits for releases by itself.
    fn decide(&self, ask: Ask) -> BoxFuture<'_, Result<(Decision, Option<Guard>), LedgerError>>;

    /// Appends the record of a call that got no decision.
    fn refuse(&self, record: Value) -> BoxFuture<'_, Result<(), LedgerError>>;

    /// Checks the whole chain in one snapshot, and that it holds the head that was kept, without
    /// holding up decisions.
    fn verify(&self, kept: Option<AuditHead>) -> BoxFuture<'_, Result<AuditSummary, LedgerError>>;

    /// Where the chain ends.
    fn head(&self) -> BoxFuture<'_, Result<AuditHead, LedgerError>>;

    /// The records of one decision, in order.
    fn records_of(
        &self,
        decision_id: String,
    ) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>>;

    /// What the plan asks for, in one snapshot; nothing is taken.
    #[cfg(feature = "cli")]
    fn usage(
        &self,
        agent: String,
        policy: String,
        plan: UsagePlan,
    ) -> BoxFuture<'_, Result<Usage, LedgerError>>;

    /// At most `limit` records above `after`, in order.
    fn records(
        &self,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>>;

    /// As [`Backend::records_of`], for a question that every request asks.
    #[cfg(feature = "cli")]
    fn find(&self, decision_id: String) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>> {
        self.records_of(decision_id)
    }

    /// Settles reservations that were detached.
    #[cfg(feature = "cli")]
    fn settler(&self) -> Result<Box<dyn Settler>, LedgerError>;

    /// Whether a decision could be written now; writes nothing.
    #[cfg(any(feature = "cli", feature = "http"))]
    fn probe(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        async move { self.head().await.map(|_| ()) }.boxed()
    }

    /// Whether there is a way to it now, as far as is known without asking: calls are refused without one.
    #[cfg(any(feature = "cli", feature = "http"))]
    fn is_connected(&self) -> bool {
        true
    }

    /// Copies the ledger while decisions go on, and checks the copy.
    fn backup(&self, target: PathBuf) -> BoxFuture<'_, Result<AuditSummary, LedgerError>> {
        let _ = target;
        let ledger = format!("{self:?}");
        let problem = "be copied to a file; use the database's own tools";
        ready(Err(LedgerError::Unsupported { ledger, problem })).boxed()
    }

    /// Removes what `retention` does not keep.
    fn prune(&self, retention: Retention) -> BoxFuture<'_, Result<Pruned, LedgerError>> {
        let _ = retention;
        let ledger = format!("{self:?}");
        let problem = "be pruned";
        ready(Err(LedgerError::Unsupported { ledger, problem })).boxed()
    }
}

/// Settles reservations for a guard: pending ones only, and with the outcome record in the same
/// transaction.
pub(super) trait Settler: Send + Sync {
    /// Settles. From the call on it is done, even when the future is dropped.
    fn settle(&self, end: End) -> BoxFuture<'static, Result<(), LedgerError>>;

    /// Settles without an answer, and never blocks; a failure goes to the log.
    fn settle_unattended(&self, end: End);
}
