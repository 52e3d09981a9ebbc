//! One connection: what happens on it, and whether it may be closed.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// How long the body of a request may be on its way before its connection counts as one that waits.
const BODY_COMES_WITHIN: Duration = Duration::from_millis(500);
/// How long a client that was let in may take nothing of its answer before its connection may be closed.
const ANSWER_GOES_WITHIN: Duration = Duration::from_secs(5);
/// How long, once all has to end, a client may neither send nor take anything.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// What happens on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It waits for a request, or for the rest of one's head.
    Waiting,
    /// A request's body is awaited: nothing of it is done before it is there.
    Reading { since: Instant },
    /// A request is worked on.
    Busy,
    /// Its answer is there, and goes out.
    Answering,
    /// It takes no further request.
    Closed,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Whether it had an answer that not anybody gets.
    let_in: bool,
    /// Since when its client has taken nothing of what waits for it.
    stuck: Option<Instant>,
    /// Whether its client has yet to take what was written.
    unread: bool,
}

/// What is known of a connection, for its own task and for whoever looks for one to close.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) peer: IpAddr,
    state: Mutex<State>,
    ending: CancellationToken,
}

/// How little it costs to close a connection: the greater, the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spare {
    /// Its client was let in once, and now hangs in the middle of a request.
    Stuck,
    /// Its client was let in once, and no request is under way.
    Idle,
    /// Nobody was let in.
    Stranger,
}

impl Line {
    /// `ending` is asked for when the connection has to end.
    pub(super) fn new(peer: IpAddr, ending: CancellationToken) -> Self {
        let state = State {
            phase: Phase::Waiting,
            let_in: false,
            stuck: None,
            unread: false,
        };
        Self {
            peer,
            state: Mutex::new(state),
            ending,
        }
    }

    /// Ready when the connection has to end.
    pub(super) async fn has_to_end(&self) {
        self.ending.cancelled().await;
    }

    /// A request's head is there, and perhaps a body on its way. False where the connection was closed while
    /// it came.
    pub(super) fn begin(&self, has_body: bool) -> bool {
        let mut state = self.state();
        let begins = state.phase == Phase::Waiting;
        if begins {
            state.phase = if has_body {
                let since = Instant::now();
                Phase::Reading { since }
            } else {
                Phase::Busy
            };
        }
        begins
    }

    /// Nothing more of the body is awaited. False where the connection was closed before.
    pub(super) fn work(&self) -> bool {
        let mut state = self.state();
        if let Phase::Reading { .. } = state.phase {
            state.phase = Phase::Busy;
        }
        state.phase != Phase::Closed
    }

    /// The answer is there; `let_in` tells whether not anybody gets it.
    pub(super) fn answer(&self, let_in: bool) {
        let mut state = self.state();
        state.let_in |= let_in;
        if state.phase != Phase::Closed {
            state.phase = Phase::Answering;
        }
    }

    /// The request ended.
    pub(super) fn rest(&self) {
        let mut state = self.state();
        if state.phase != Phase::Closed {
            state.phase = Phase::Waiting;
        }
    }

    /// Something that was written waits to be taken. Tells whether the client was let in.
    pub(super) fn is_not_read(&self) -> bool {
        let mut state = self.state();
        state.unread = true;
        state.stuck.get_or_insert_with(Instant::now);
        state.let_in
    }

    /// The client took some of what waited for it, or all.
    pub(super) fn is_read(&self, whole: bool) {
        let mut state = self.state();
        state.stuck = None;
        if whole {
            state.unread = false;
        }
    }

    /// Whether it may be closed for another, and how little is lost by that.
    pub(super) fn spare(&self) -> Option<Spare> {
        self.state().spare()
    }

    /// Closes it, unless something has begun meanwhile. Tells whether it did.
    pub(super) fn close(&self) -> bool {
        let mut state = self.state();
        let spare = state.spare().is_some();
        if spare {
            state.phase = Phase::Closed;
            self.ending.cancel();
        }
        spare
    }

    /// Whether it may be dropped, now that it has to end: nothing is under way, and no answer on its way.
    /// For its own task only, which is the one that begins requests. `waited` is for how long it had to.
    pub(super) fn is_over(&self, waited: Duration) -> bool {
        let state = self.state();
        let stuck = state.is_stuck_for(LAST_WAIT);
        match state.phase {
            Phase::Waiting => !state.unread || stuck,
            Phase::Reading { .. } => waited >= LAST_WAIT,
            Phase::Busy => false,
            Phase::Answering => stuck,
            Phase::Closed => !state.let_in || !state.unread || stuck,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn spare(&self) -> Option<Spare> {
        let stuck = self.is_stuck_for(ANSWER_GOES_WITHIN);
        let spare = match self.phase {
            Phase::Waiting if !self.unread => true,
            Phase::Waiting | Phase::Answering if !self.let_in => self.unread,
            Phase::Waiting | Phase::Answering => stuck,
            Phase::Reading { since } => since.elapsed() >= BODY_COMES_WITHIN,
            Phase::Busy | Phase::Closed => false,
        };
        spare.then_some(match self.phase {
            _ if !self.let_in => Spare::Stranger,
            Phase::Waiting if !self.unread => Spare::Idle,
            _ => Spare::Stuck,
        })
    }

    fn is_stuck_for(&self, long: Duration) -> bool {
        self.stuck.is_some_and(|since| since.elapsed() >= long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Line {
        /// As if all that happened on it had happened so much earlier.
        fn age(&self, by: Duration) {
            let mut state = self.state();
            state.stuck = state.stuck.and_then(|since| since.checked_sub(by));
            if let Phase::Reading { since } = state.phase {
                let since = since.checked_sub(by).unwrap();
                state.phase = Phase::Reading { since };
            }
        }
    }

    fn line() -> Line {
        Line::new(IpAddr::from([127, 0, 0, 1]), CancellationToken::new())
    }

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn a_request_under_way_keeps_its_connection_until_its_answer_ended() {
        let line = line();
        assert!(line.begin(false));
        assert!(line.spare().is_none() && !line.close() && !line.is_over(LAST_WAIT));
        line.answer(true);
        assert!(line.spare().is_none() && !line.close() && !line.is_over(LAST_WAIT));
        line.rest();
        assert!(line.spare() == Some(Spare::Idle) && line.is_over(NOW));
        assert!(line.close());
        assert!(!line.begin(false), "closed for good");
    }

    #[test]
    fn a_body_that_does_not_come_keeps_no_place_and_one_that_came_does() {
        for known in [false, true] {
            let line = line();
            line.answer(known);
            line.rest();
            assert!(line.begin(true));
            assert!(!line.close(), "it may come yet");
            assert!(!line.is_over(NOW), "it may come yet");
            line.age(BODY_COMES_WITHIN);
            assert!(line.spare().is_some() && line.is_over(LAST_WAIT));
            assert!(line.close());
            assert!(!line.work(), "nothing is done for it any more");
        }
        let line = line();
        assert!(line.begin(true) && line.work());
        line.age(BODY_COMES_WITHIN);
        assert!(!line.close() && !line.is_over(LAST_WAIT));
    }

    #[test]
    fn an_answer_that_a_stranger_does_not_take_keeps_no_place() {
        for ended in [false, true] {
            let line = line();
            assert!(line.begin(false));
            line.answer(false);
            assert!(!line.is_not_read());
            if ended {
                line.rest();
            }
            assert_eq!(line.spare(), Some(Spare::Stranger));
            assert!(!line.is_over(NOW), "asked to end, it goes out all the same");
            assert!(line.close() && line.is_over(NOW));
        }
    }

    #[test]
    fn an_answer_that_is_not_taken_yet_counts_for_a_while_for_those_who_were_let_in() {
        for ended in [false, true] {
            let line = line();
            assert!(line.begin(false));
            line.answer(true);
            assert!(line.is_not_read());
            if ended {
                line.rest();
            }
            assert!(!line.close() && !line.is_over(LAST_WAIT));
            line.age(ANSWER_GOES_WITHIN);
            line.is_read(false);
            assert!(!line.close() && !line.is_over(LAST_WAIT), "it goes on");
            line.is_not_read();
            line.age(ANSWER_GOES_WITHIN);
            assert_eq!(line.spare(), Some(Spare::Stuck));
            assert!(line.is_over(NOW));
            assert!(line.close() && line.is_over(NOW));
        }
    }
}
