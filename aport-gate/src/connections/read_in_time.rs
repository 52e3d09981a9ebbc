//! A connection whose client has to read what it asked for.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::line::Line;

/// Longest time for a client that was never let in: what anybody gets is small.
const STRANGER_WITHIN: Duration = Duration::from_secs(5);

/// Ends with an error when an answer waits for so long to be read, whole: byte by byte does not count. Such a
/// client would keep a connection, and the answer in memory, for as long as it likes.
pub(super) struct ReadInTime<S> {
    stream: S,
    within: Duration,
    stranger_within: Duration,
    /// There while there is something that the client has not taken.
    waiting: Option<Waiting>,
    /// Where others see whether there is.
    line: Arc<Line>,
}

struct Waiting {
    since: Instant,
    until: Pin<Box<Sleep>>,
}

impl<S> ReadInTime<S> {
    pub(super) fn new(stream: S, within: Duration, line: Arc<Line>) -> Self {
        Self {
            stream,
            within,
            stranger_within: within.min(STRANGER_WITHIN),
            waiting: None,
            line,
        }
    }

    fn in_time<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.waiting.is_some() {
                self.line.is_read(false);
            }
            return written;
        }
        let within = if self.line.is_not_read() {
            self.within
        } else {
            self.stranger_within
        };
        let now = Instant::now();
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            since: now,
            until: Box::pin(sleep_until(now + within)),
        });
        let until = waiting.since + within;
        if waiting.until.deadline() != until {
            waiting.until.as_mut().reset(until);
        }
        ready!(waiting.until.as_mut().poll(context));
        let problem = "the client does not read its answer";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, problem)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadInTime<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadInTime<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.in_time(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked for when all is written: nothing waits any more.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) && self.waiting.take().is_some() {
            self.line.is_read(true);
        }
        self.in_time(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.in_time(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::sleep;
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn line(let_in: bool) -> Arc<Line> {
        let line = Line::new(IpAddr::from([127, 0, 0, 1]), CancellationToken::new());
        line.answer(let_in);
        Arc::new(line)
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_or_byte_by_byte_is_cut_off() {
        let (short, long) = (Duration::from_millis(200), Duration::from_secs(600));
        for (let_in, within, stranger_within) in [(true, short, long), (false, long, short)] {
            for reads in [false, true] {
                let (ours, mut client) = tokio::io::duplex(16);
                let reading = tokio::spawn(async move {
                    while reads && client.read_u8().await.is_ok() {
                        sleep(short / 4).await;
                    }
                    // Not dropped: a connection that is there, and takes nothing.
                    std::future::pending::<()>().await;
                    drop(client);
                });
                let mut stream = ReadInTime::new(ours, within, line(let_in));
                assert!(stream.stranger_within < long);
                stream.stranger_within = stranger_within;
                let error = stream.write_all(&[7; 1024]).await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                reading.abort();
            }
        }
    }

    #[tokio::test]
    async fn each_answer_has_its_own_time() {
        let (ours, mut client) = tokio::io::duplex(16);
        let line = line(false);
        let mut stream = ReadInTime::new(ours, Duration::from_secs(600), Arc::clone(&line));
        for _ in 0..3 {
            let writing = async {
                stream.write_all(&[7; 24]).await.unwrap();
                assert!(stream.waiting.is_some(), "it had to wait");
                assert!(line.spare().is_some(), "others see that");
                stream.flush().await.unwrap();
                assert!(stream.waiting.is_none());
                assert!(line.spare().is_none());
            };
            let reading = async {
                client.read_exact(&mut [0; 24]).await.unwrap();
            };
            tokio::join!(writing, reading);
        }
    }
}
