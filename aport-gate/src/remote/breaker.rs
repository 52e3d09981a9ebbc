//! Stops asking a registry that is dead, and says so.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::attempts::random;
use super::error::RegistryError;
use super::health::RegistryHealth;

/// Failed calls in a row, each with its retries, after which nobody asks for a while.
const FAILURES: u32 = 5;
/// The first such while, doubled with each failed try up to the longest, in milliseconds.
const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 30_000;

#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    since: Option<Timestamp>,
    last: &'static str,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: Instant,
    until_time: Timestamp,
    pause_ms: u64,
    probing: bool,
}

/// Leave to ask, which tells the breaker how it went. Dropped without a word, it changes nothing.
#[derive(Debug)]
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    is_probe: bool,
}

impl Breaker {
    /// # Errors
    /// [`RegistryError::Paused`]; after the pause, one caller may try while the others wait on.
    pub(super) fn admit(&self, now: Instant) -> Result<Pass<'_>, RegistryError> {
        let mut state = self.state();
        let State {
            since, last, open, ..
        } = &mut *state;
        let is_probe = match open {
            None => false,
            Some(open) if now >= open.until && !open.probing => {
                open.probing = true;
                true
            }
            Some(open) => {
                return Err(RegistryError::Paused {
                    since: since.unwrap_or(open.until_time).to_string(),
                    until: open.until_time.to_string(),
                    last,
                });
            }
        };
        Ok(Pass {
            breaker: self,
            is_probe,
        })
    }

    pub(super) fn health(&self) -> RegistryHealth {
        let state = self.state();
        let last = state.last;
        match (state.since, &state.open) {
            (since, Some(open)) => RegistryHealth::Paused {
                since: since.unwrap_or(open.until_time),
                until: open.until_time,
                last,
            },
            (Some(since), None) => RegistryHealth::Failing {
                failures: state.failures,
                since,
                last,
            },
            (None, None) => RegistryHealth::Answering,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    pub(super) fn succeeded(&self) {
        let mut state = self.breaker.state();
        // A call from before the pause that ends well at last counts too: the registry lives.
        if state.open.is_some() {
            tracing::info!("the registry answers again");
        }
        *state = State::default();
    }

    pub(super) fn failed(&self, now: Instant, error: &RegistryError) {
        let mut state = self.breaker.state();
        state.failures = state.failures.saturating_add(1);
        state.since.get_or_insert_with(Timestamp::now);
        state.last = error.code();
        let pause_ms = match &state.open {
            Some(open) if self.is_probe => open.pause_ms.saturating_mul(2).min(LONGEST_PAUSE_MS),
            // Begun before the pause.
            Some(_) => return,
            None if state.failures < FAILURES => return,
            None => FIRST_PAUSE_MS,
        };
        let jitter = random(pause_ms / 2 + 1);
        let pause = Duration::from_millis(pause_ms * 3 / 4 + jitter);
        let first = state.open.is_none();
        state.open = Some(Open {
            until: now + pause,
            until_time: Timestamp::now()
                .saturating_add(pause)
                .unwrap_or(Timestamp::MAX),
            pause_ms,
            probing: false,
        });
        if first {
            tracing::error!(
                failures = state.failures,
                last = state.last,
                "the registry is not asked for a while; every call is refused meanwhile"
            );
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_probe
            && let Some(open) = &mut self.breaker.state().open
        {
            open.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, now: Instant) {
        let error = RegistryError::Unreachable("refused".to_owned());
        breaker.admit(now).unwrap().failed(now, &error);
    }

    #[tokio::test]
    async fn failures_in_a_row_open_it_and_one_probe_closes_it() {
        let breaker = Breaker::default();
        let now = Instant::now();
        for _ in 1..FAILURES {
            fail(&breaker, now);
        }
        // One success among them, and they are in a row no more.
        breaker.admit(now).unwrap().succeeded();
        for _ in 0..FAILURES {
            fail(&breaker, now);
        }
        let told = breaker.admit(now).unwrap_err().to_string();
        assert!(
            told.contains("since") && told.contains("gate.registry_unreachable"),
            "{told}"
        );
        assert!(breaker.admit(now + Duration::from_millis(700)).is_err());

        let later = now + Duration::from_secs(2);
        let probe = breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_err(), "a second probe");
        // Cancelled: the next caller probes.
        drop(probe);
        let error = RegistryError::Timeout(1);
        breaker.admit(later).unwrap().failed(later, &error);
        // The pause has grown.
        assert!(breaker.admit(later + Duration::from_millis(1400)).is_err());
        breaker
            .admit(later + Duration::from_secs(3))
            .unwrap()
            .succeeded();
        assert!(breaker.admit(later).is_ok());
    }
}
