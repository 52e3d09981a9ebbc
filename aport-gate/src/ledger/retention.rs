//! How long a ledger keeps what decisions no longer need.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a ledger keeps usage counters, idempotency keys and lost reservations. Audit records are
/// always kept.
///
/// Nothing is kept for less than a day: clocks of several machines differ, and a clock that is set
/// back must find the windows spent that it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    counters: Duration,
    idempotency_keys: Duration,
    lost_reservations: Duration,
}

impl Default for Retention {
    /// Counters for 7 days, keys for 90 days, lost reservations for a day.
    fn default() -> Self {
        Self {
            counters: 7 * DAY,
            idempotency_keys: 90 * DAY,
            lost_reservations: DAY,
        }
    }
}

impl Retention {
    /// How long a counter stays after the end of its window.
    #[must_use]
    pub fn counters(mut self, after_window: Duration) -> Self {
        self.counters = after_window.max(DAY);
        self
    }

    /// How long an idempotency key pays only once. After that the same key counts as new.
    #[must_use]
    pub fn idempotency_keys(mut self, after_use: Duration) -> Self {
        self.idempotency_keys = after_use.max(DAY);
        self
    }

    /// How long after the end of its windows a reservation that nobody settled is taken as lost, with
    /// its process: its outcome is then recorded as abandoned. A tool that runs longer than that is
    /// not recorded when it ends.
    #[must_use]
    pub fn lost_reservations(mut self, after_window: Duration) -> Self {
        self.lost_reservations = after_window.max(DAY);
        self
    }

    /// Counters whose window ended at this Unix second or before may go.
    pub(super) fn counters_until(&self, now: i64) -> i64 {
        before(now, self.counters)
    }

    /// Keys that were taken at this Unix second or before may go.
    pub(super) fn keys_until(&self, now: i64) -> i64 {
        before(now, self.idempotency_keys)
    }

    /// A clock before this Unix second may meet keys that were removed, of which the newest was taken at
    /// `newest`, as new ones. An hour of it is forgiven: clocks of several machines differ.
    pub(super) fn keys_forgotten_until(&self, newest: i64) -> i64 {
        const HOUR: i64 = 60 * 60;
        let kept = i64::try_from(self.idempotency_keys.as_secs()).unwrap_or(i64::MAX);
        newest.saturating_add(kept).saturating_sub(HOUR)
    }

    /// Reservations whose windows ended at this Unix second or before are lost.
    pub(super) fn lost_until(&self, now: i64) -> i64 {
        // Never longer than the counters: what is given back must still be there.
        before(now, self.lost_reservations.min(self.counters))
    }

    /// Seconds for which counters, keys and lost reservations stay.
    #[cfg(feature = "postgres")]
    pub(super) fn seconds(&self) -> [i64; 3] {
        [self.counters, self.idempotency_keys, self.lost_reservations]
            .map(|kept| i64::try_from(kept.as_secs()).unwrap_or(i64::MAX))
    }
}

fn before(now: i64, kept: Duration) -> i64 {
    now.saturating_sub(i64::try_from(kept.as_secs()).unwrap_or(i64::MAX))
}

/// What a pruning removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// Counters of windows that ended.
    pub counters: u64,
    /// Idempotency keys.
    pub idempotency_keys: u64,
    /// Reservations of processes that died, now recorded as abandoned.
    pub reservations: u64,
}

impl Pruned {
    pub(super) fn add(&mut self, more: Self) {
        self.counters = self.counters.saturating_add(more.counters);
        self.idempotency_keys = self.idempotency_keys.saturating_add(more.idempotency_keys);
        self.reservations = self.reservations.saturating_add(more.reservations);
    }
}
