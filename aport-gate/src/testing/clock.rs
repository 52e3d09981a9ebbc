//! A clock that stands until a test moves it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// Noon, so that no test crosses the midnight at which daily caps begin anew.
const START: &str = "2026-01-15T12:00:00Z";

/// The time that a [`TestGate`](super::TestGate) decides by. Clones are the same clock.
///
/// It governs the decision: expiry, windows of caps, dates in the decision. The date of an audit
/// record stays the machine's.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<Mutex<Timestamp>>,
}

impl ManualClock {
    /// A clock that stands at `time`, RFC 3339.
    ///
    /// # Panics
    /// When `time` is not a date with a time and an offset.
    #[must_use]
    #[track_caller]
    pub fn at(time: &str) -> Self {
        Self {
            now: Arc::new(Mutex::new(parse(time))),
        }
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        *self.lock()
    }

    /// Sets it, forwards or backwards, to `time`, RFC 3339.
    ///
    /// # Panics
    /// When `time` is not a date with a time and an offset.
    #[track_caller]
    pub fn set(&self, time: &str) {
        let time = parse(time);
        *self.lock() = time;
    }

    /// Moves it forwards.
    ///
    /// # Panics
    /// When that is beyond the year 9999.
    #[track_caller]
    pub fn advance(&self, by: Duration) {
        let mut now = self.lock();
        match now.checked_add(by) {
            Ok(later) => *now = later,
            Err(error) => panic!("the clock cannot show {now} + {by:?}: {error}"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::at(START)
    }
}

#[track_caller]
fn parse(time: &str) -> Timestamp {
    match time.parse() {
        Ok(time) => time,
        Err(error) => panic!("`{time}` is no time such as `{START}`: {error}"),
    }
}
