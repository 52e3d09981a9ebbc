//! Decisions whose outcome nobody reports: after the time for it, what they took is held, and the
//! audit trail says so.
//!
//! This is bookkeeping: a share that is neither reported nor held here, as after a restart, stays
//! taken all the same.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::state::Registry;
use crate::LedgerError;
use crate::ledger::{BodyOutcome, End, Settlement};

/// Most decisions that are waited for; those beyond stay pending in the ledger.
const MOST: usize = 100_000;
/// How often it is looked whose time is up.
const EVERY: Duration = Duration::from_secs(1);

/// The decisions whose outcome may still be reported, oldest first.
#[derive(Default)]
pub(super) struct Awaited(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    order: VecDeque<(Instant, String)>,
    open: HashSet<String>,
}

impl Awaited {
    pub(super) fn add(&self, decision_id: &str) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.order.len() < MOST && waiting.open.insert(decision_id.to_owned()) {
            let entry = (Instant::now(), decision_id.to_owned());
            waiting.order.push_back(entry);
        }
    }

    /// Its outcome was reported.
    pub(super) fn remove(&self, decision_id: &str) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.open.remove(decision_id);
    }

    fn overdue(&self, within: Duration) -> Vec<String> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut overdue = Vec::new();
        while let Some((since, _)) = waiting.order.front()
            && since.elapsed() > within
            && let Some((_, id)) = waiting.order.pop_front()
        {
            if waiting.open.remove(&id) {
                overdue.push(id);
            }
        }
        overdue
    }
}

/// Holds what is overdue, for as long as it is polled.
pub(super) async fn watch(registry: &Registry) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        for decision_id in registry.awaited.overdue(registry.settings.settle_within) {
            let end = End {
                decision_id,
                executed: true,
                outcome: BodyOutcome::Abandoned,
                settlement: Settlement::Hold,
            };
            match registry.ledger.settle(end).await {
                Ok(()) => registry.metrics.settled("expired"),
                // Reported to another registry of this ledger.
                Err(LedgerError::NotPending { .. }) => {}
                Err(error) => {
                    tracing::warn!(%error, "an outcome that nobody reported is not recorded; its share stays taken");
                }
            }
        }
    }
}
