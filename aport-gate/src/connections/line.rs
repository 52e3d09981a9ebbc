//! One connection: what happens on it, and whether it may be closed.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Response;
use hyper::body::{Frame, SizeHint};
use tokio_util::sync::CancellationToken;

/// It waits for a request, or for the rest of one's head.
const WAITING: u8 = 0;
/// A request is under way, up to the end of its answer.
const BUSY: u8 = 1;
/// It takes no further request.
const CLOSED: u8 = 2;

/// Marks an answer that anybody gets: who asked for it proved nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToAnybody;

/// What is known of a connection, for its own task and for whoever looks for one to close.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) peer: IpAddr,
    state: AtomicU8,
    /// Whether it had an answer that not anybody gets.
    let_in: AtomicBool,
    /// Whether its client has yet to take what was written.
    unread: Arc<AtomicBool>,
    ending: CancellationToken,
}

impl Line {
    /// `ending` is asked for when the connection has to end.
    pub(super) fn new(peer: IpAddr, ending: CancellationToken) -> Self {
        Self {
            peer,
            state: AtomicU8::new(WAITING),
            let_in: AtomicBool::new(false),
            unread: Arc::default(),
            ending,
        }
    }

    pub(super) fn unread(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.unread)
    }

    pub(super) fn is_let_in(&self) -> bool {
        self.let_in.load(SeqCst)
    }

    /// Ready when the connection has to end.
    pub(super) async fn has_to_end(&self) {
        self.ending.cancelled().await;
    }

    /// A request's head is there. None where the connection was closed while it came.
    pub(super) fn begin(self: &Arc<Self>) -> Option<UnderWay> {
        self.turn(WAITING, BUSY).then(|| UnderWay(Arc::clone(self)))
    }

    /// Whether closing it would cost nobody more than another attempt.
    pub(super) fn is_spare(&self) -> bool {
        self.state.load(SeqCst) == WAITING && !(self.unread.load(SeqCst) && self.is_let_in())
    }

    /// Closes it, unless a request has begun meanwhile. Tells whether it did.
    pub(super) fn close(&self) -> bool {
        let closed = self.turn(WAITING, CLOSED);
        if closed {
            self.ending.cancel();
        }
        closed
    }

    /// Whether it may be dropped, now that it has to end: nothing is under way, and no answer on its way.
    /// For its own task only, which is the one that begins requests.
    pub(super) fn is_over(&self) -> bool {
        let unread = self.unread.load(SeqCst);
        match self.state.load(SeqCst) {
            BUSY => false,
            CLOSED => !unread || !self.is_let_in(),
            _ => !unread,
        }
    }

    fn turn(&self, from: u8, to: u8) -> bool {
        self.state
            .compare_exchange(from, to, SeqCst, SeqCst)
            .is_ok()
    }
}

/// While it lives, a request of its connection is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Line>);

impl UnderWay {
    /// The answer, at whose end the request ends.
    pub(super) fn until_end(self, answer: Response<Body>) -> Response<Answer> {
        if answer.extensions().get::<ToAnybody>().is_none() {
            self.0.let_in.store(true, SeqCst);
        }
        answer.map(|body| Answer {
            body,
            _under_way: self,
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.turn(BUSY, WAITING);
    }
}

/// The body of an answer that is under way.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    _under_way: UnderWay,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Arc<Line> {
        let peer = IpAddr::from([127, 0, 0, 1]);
        Arc::new(Line::new(peer, CancellationToken::new()))
    }

    #[test]
    fn a_request_under_way_keeps_its_connection_until_its_answer_ended() {
        let line = line();
        let under_way = line.begin().unwrap();
        assert!(!line.is_spare() && !line.close() && !line.is_over());
        let answer = under_way.until_end(Response::new(Body::from("paid")));
        assert!(!line.is_spare() && !line.close() && !line.is_over());
        drop(answer);
        assert!(line.is_spare() && line.is_over());
        assert!(line.close());
        assert!(line.begin().is_none(), "closed for good");
    }

    #[test]
    fn an_answer_that_is_not_taken_yet_counts_for_those_who_were_let_in() {
        for stranger in [false, true] {
            let line = line();
            let mut answer = Response::new(Body::from("later"));
            if stranger {
                answer.extensions_mut().insert(ToAnybody);
            }
            drop(line.begin().unwrap().until_end(answer));
            line.unread().store(true, SeqCst);
            assert_eq!(line.is_spare(), stranger);
            assert!(!line.is_over(), "asked to end, it is finished all the same");
            assert!(line.close());
            assert_eq!(line.is_over(), stranger);
        }
    }
}
