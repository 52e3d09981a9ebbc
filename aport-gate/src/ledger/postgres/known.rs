//! What this process believes the ledger to hold.
//!
//! A decision is evaluated against these values before the ledger is asked. The ledger compares
//! them with its own and records nothing unless they are equal: a wrong belief costs a round trip,
//! never a cap.

use std::collections::{HashMap, HashSet};

use aport_gate_oap::{CounterKey, Window};
use sha2::{Digest as _, Sha256};

/// Beliefs are dropped altogether beyond this many: the next decisions learn them again.
const MOST: usize = 100_000;

/// Primary key of a counter or an idempotency key.
pub(super) type RowId = [u8; 32];

#[derive(Debug, Default)]
pub(super) struct Known {
    totals: HashMap<RowId, i64>,
    keys: HashSet<RowId>,
}

impl Known {
    pub(super) fn total(&self, id: &RowId) -> i64 {
        self.totals.get(id).copied().unwrap_or(0)
    }

    pub(super) fn key_seen(&self, id: &RowId) -> bool {
        self.keys.contains(id)
    }

    /// Takes over what the ledger answered.
    pub(super) fn learn(&mut self, ids: &[RowId], totals: &[i64]) {
        self.make_room();
        self.totals
            .extend(ids.iter().copied().zip(totals.iter().copied()));
    }

    pub(super) fn learn_key(&mut self, id: Option<RowId>, seen: bool) {
        let Some(id) = id else { return };
        self.make_room();
        if seen {
            self.keys.insert(id);
        } else {
            self.keys.remove(&id);
        }
    }

    /// Adds to a total that is known.
    pub(super) fn change(&mut self, id: &RowId, amount: i64) {
        if let Some(total) = self.totals.get_mut(id) {
            *total = total.saturating_add(amount);
        }
    }

    pub(super) fn unlearn(&mut self, id: &RowId) {
        self.totals.remove(id);
    }

    /// After anything unexpected.
    pub(super) fn forget(&mut self) {
        self.totals.clear();
        self.keys.clear();
    }

    fn make_room(&mut self) {
        if self.totals.len() >= MOST || self.keys.len() >= MOST {
            self.forget();
        }
    }
}

/// Stored text: a renamed variant must not move existing totals out of sight.
pub(super) fn period(window: Window) -> &'static str {
    match window {
        Window::Minute => "minute",
        Window::Hour => "hour",
        Window::Day => "day",
    }
}

pub(super) fn counter_id(agent: &str, policy: &str, counter: &CounterKey) -> RowId {
    row_id(&[
        b"counter",
        agent.as_bytes(),
        policy.as_bytes(),
        counter.counter.as_bytes(),
        counter.key.as_bytes(),
        period(counter.window).as_bytes(),
        &counter.window_start.to_be_bytes(),
        &counter.window_end.to_be_bytes(),
    ])
}

pub(super) fn key_id(agent: &str, policy: &str, key: &str) -> RowId {
    row_id(&[b"key", agent.as_bytes(), policy.as_bytes(), key.as_bytes()])
}

/// Every part goes in behind its length: no two rows share an id.
fn row_id(parts: &[&[u8]]) -> RowId {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
