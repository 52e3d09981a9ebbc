//! What the rules need to know of the past: counters over UTC windows, and idempotency keys.
//!
//! Counter names are scoped by the ledger to one agent and one pack.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Span over which a counter runs, aligned to UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day, midnight to midnight UTC.
    Day,
}

impl Window {
    /// Start and end (exclusive) of the window that holds `now`, in Unix seconds.
    ///
    /// ```
    /// use aport_gate_oap::Window;
    /// assert_eq!(Window::Minute.bounds("1970-01-01T00:01:30Z".parse()?), (60, 120));
    /// # Ok::<(), jiff::Error>(())
    /// ```
    #[must_use]
    pub fn bounds(self, now: jiff::Timestamp) -> (i64, i64) {
        let length = match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        };
        // jiff rounds a time before 1970 with a fraction towards zero; floor it instead.
        let second = now.as_second() - i64::from(now.subsec_nanosecond() < 0);
        let start = second - second.rem_euclid(length);
        (start, start + length)
    }
}

/// One counter in one window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CounterKey {
    /// Name, such as `daily_total`.
    pub counter: String,
    /// What it is split by, such as `USD`; empty for a counter of everything.
    pub key: String,
    /// Length of the window.
    pub window: Window,
    /// Start of the window, Unix seconds.
    pub window_start: i64,
    /// End of the window (exclusive), Unix seconds.
    pub window_end: i64,
}

/// What an allowed call adds to a counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Counter to raise.
    pub counter: CounterKey,
    /// By how much, never negative: minor units for sums of money, 1 for counts.
    pub amount: i64,
}

/// What the ledger has to read before a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsagePlan {
    /// Counters to read.
    pub counters: Vec<CounterKey>,
    /// Idempotency key to look up.
    pub idempotency_key: Option<String>,
}

/// What the ledger read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Values by counter; a missing one is 0.
    pub counters: HashMap<CounterKey, i64>,
    /// Whether the idempotency key of the plan was used before.
    pub key_seen: bool,
}
