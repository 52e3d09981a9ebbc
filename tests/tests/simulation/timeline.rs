//! The time of a simulation: it stands while there is something to do, and then jumps to what comes next.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aport_gate::testing::ManualClock;

/// Clones are the same time.
#[derive(Clone)]
pub(crate) struct Timeline {
    state: Arc<Mutex<State>>,
    /// Real time that a second of it takes, for those who work in threads of their own.
    pace: Duration,
}

#[derive(Default)]
struct State {
    now: Duration,
    entries: u64,
    waiting: BTreeMap<(Duration, u64), Waker>,
    clocks: Vec<ManualClock>,
}

impl Timeline {
    pub(crate) fn new(pace: Duration) -> Self {
        Self {
            state: Arc::default(),
            pace,
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.state.lock().unwrap().now
    }

    /// A gate's clock moves with it.
    pub(crate) fn moves(&self, clock: &ManualClock) {
        self.state.lock().unwrap().clocks.push(clock.clone());
    }

    pub(crate) fn sleep(&self, time: Duration) -> Sleep {
        let mut state = self.state.lock().unwrap();
        state.entries += 1;
        Sleep {
            key: (state.now + time, state.entries),
            timeline: self.clone(),
        }
    }

    /// `None` when it takes longer.
    pub(crate) async fn within<T>(
        &self,
        time: Duration,
        what: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::select! {
            biased;
            ended = what => Some(ended),
            () = self.sleep(time) => None,
        }
    }

    /// Jumps to what comes next. The runtime calls it when it has nothing to do.
    pub(crate) fn pass(&self) {
        let Some(gap) = self.gap() else { return };
        if !self.pace.is_zero() {
            std::thread::sleep(self.pace.mul_f64(gap.as_secs_f64()).min(4 * self.pace));
        }
        let mut state = self.state.lock().unwrap();
        // What was first is still there: nothing runs but this.
        let Some(((at, _), waker)) = state.waiting.pop_first() else {
            return;
        };
        let gap = at.saturating_sub(state.now);
        state.now = state.now.max(at);
        for clock in &state.clocks {
            clock.advance(gap);
        }
        drop(state);
        waker.wake();
    }

    fn gap(&self) -> Option<Duration> {
        let state = self.state.lock().unwrap();
        let ((at, _), _) = state.waiting.first_key_value()?;
        Some(at.saturating_sub(state.now))
    }
}

pub(crate) struct Sleep {
    key: (Duration, u64),
    timeline: Timeline,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.timeline.state.lock().unwrap();
        if state.now >= self.key.0 {
            return Poll::Ready(());
        }
        state.waiting.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.timeline
            .state
            .lock()
            .unwrap()
            .waiting
            .remove(&self.key);
    }
}
