//! Decisions that were used already.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

/// How many are remembered, in about a megabyte. Older ones the ledger finds, which has them all; what is here is
/// found without a write that fails.
const MOST: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct UsedIds(Mutex<(HashSet<String>, VecDeque<String>)>);

impl UsedIds {
    /// Whether this is the first use of the decision; from now on it is used.
    pub(super) fn is_first_use(&self, decision_id: &str) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, order) = &mut *used;
        if !known.insert(decision_id.to_owned()) {
            return false;
        }
        order.push_back(decision_id.to_owned());
        if order.len() > MOST
            && let Some(oldest) = order.pop_front()
        {
            known.remove(&oldest);
        }
        true
    }
}
