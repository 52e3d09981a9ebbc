//! Allow decisions that are kept for a moment, where the operator wants that.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aport_gate_oap::{AgentId, Decision, Digest};
use tokio::time::Instant;

use super::settings::LONGEST_CACHE;

/// How many decisions are kept; when there is no room, none is added.
const MOST: usize = 10_000;

/// What a decision is kept for: everything that it hangs on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) agent: AgentId,
    /// Digest of the pack, which names its id too.
    pub(super) pack: Digest,
    pub(super) context: Digest,
    pub(super) tool: &'static str,
}

#[derive(Debug)]
pub(super) struct Cache {
    longest: Duration,
    kept: Mutex<HashMap<Key, (Decision, Instant)>>,
}

impl Cache {
    pub(super) fn new(longest: Duration) -> Self {
        Self {
            longest: longest.min(LONGEST_CACHE),
            kept: Mutex::default(),
        }
    }

    pub(super) fn get(&self, key: &Key, now: Instant) -> Option<Decision> {
        let mut kept = self.kept();
        match kept.get(key) {
            Some((decision, until)) if now < *until => Some(decision.clone()),
            Some(_) => {
                kept.remove(key);
                None
            }
            None => None,
        }
    }

    /// Keeps a decision, from when it was asked for, no longer than it says that it holds.
    pub(super) fn keep(&self, key: Key, decision: &Decision, lifetime: Duration, asked: Instant) {
        let lifetime = lifetime.min(self.longest);
        if !decision.allow || lifetime.is_zero() {
            return;
        }
        let mut kept = self.kept();
        if kept.len() >= MOST {
            let now = Instant::now();
            kept.retain(|_, (_, until)| now < *until);
        }
        if kept.len() < MOST {
            kept.insert(key, (decision.clone(), asked + lifetime));
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Key, (Decision, Instant)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
