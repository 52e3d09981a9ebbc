//! A request from its head to the end of its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};

use super::line::Line;

/// Marks an answer that anybody gets: who asked for it proved nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToAnybody;

/// While it lives, a request of its connection is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Line>);

impl UnderWay {
    /// None where the connection was closed while the request's head came.
    pub(super) fn begin(
        line: &Arc<Line>,
        request: Request<Incoming>,
    ) -> Option<(Request<Body>, Self)> {
        let has_body = !request.body().is_end_stream();
        line.begin(has_body).then(|| {
            let request = if has_body {
                let line = Arc::clone(line);
                request.map(|body| Body::new(Asked { body, line }))
            } else {
                request.map(Body::new)
            };
            (request, Self(Arc::clone(line)))
        })
    }

    /// The answer, at whose end the request ends.
    pub(super) fn until_end(self, answer: Response<Body>) -> Response<Answer> {
        self.0
            .answer(answer.extensions().get::<ToAnybody>().is_none());
        answer.map(|body| Answer {
            body,
            _under_way: self,
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.rest();
    }
}

/// The body of a request that is on its way.
#[derive(Debug)]
struct Asked {
    body: Incoming,
    line: Arc<Line>,
}

impl HttpBody for Asked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let comes_on = frame.is_pending() || !self.body.is_end_stream();
        let last = matches!(frame, Poll::Ready(None | Some(Err(_))));
        if (last || !comes_on) && !self.line.work() {
            // Closed while it came: its task drops the request before anything is done.
            return Poll::Pending;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Who drops it waits for nothing more of it.
impl Drop for Asked {
    fn drop(&mut self) {
        self.line.work();
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
