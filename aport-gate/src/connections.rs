//! Connections over HTTP: accepted up to a number, bounded in time, and ended in order.

mod line;
mod open;
mod read_in_time;
mod under_way;

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::line::Line;
use self::open::Open;
use self::read_in_time::ReadInTime;
pub(crate) use self::under_way::ToAnybody;
use self::under_way::UnderWay;

/// Most headers of a request.
const MOST_HEADERS: usize = 64;
/// Largest head of a request, in bytes.
const LARGEST_HEAD: usize = 32 * 1024;
/// Pause after an accept that failed, and before another connection is closed for one that waits.
const PAUSE: Duration = Duration::from_millis(50);
/// How often it is said that there are more connections than are served.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// How much is served at once, and how long is waited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Most connections at once. For a further one, another is closed whose client is waited for.
    pub(crate) connections: usize,
    /// Longest time to wait for the whole head of a request, and for a client that does not read its answer
    /// (a few seconds at most where nobody was let in).
    pub(crate) io_timeout: Duration,
    /// Longest wait at the end for requests under way.
    pub(crate) grace: Duration,
}

/// Serves until `stop` is ready; then takes no more, and finishes the requests under way within the grace
/// that the bounds give. What `opened` returns lives as long as its connection. What is returned tells when
/// those have ended, too, that did not within the grace.
pub(crate) async fn serve<G: Send + 'static>(
    router: Router,
    listener: TcpListener,
    bounds: Bounds,
    opened: impl Fn() -> G,
    stop: impl Future<Output = ()>,
) -> impl Future<Output = ()> {
    let most = bounds.connections.min(Semaphore::MAX_PERMITS);
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let mut door = Door {
        listener,
        slots: Arc::new(Semaphore::new(most as usize)),
        open: Arc::default(),
        told: None,
    };
    let service = TowerToHyperService::new(router);
    let mut connection = http1::Builder::new();
    connection
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.io_timeout)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD);
    let mut stop = pin!(stop);
    loop {
        let (stream, peer, slot) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = door.accept() => match accepted {
                Some(accepted) => accepted,
                None => continue,
            },
        };
        let entry = door.open.add(peer.ip());
        let (service, line) = (service.clone(), Arc::clone(&entry.line));
        let stream = TokioIo::new(ReadInTime::new(
            stream,
            bounds.io_timeout,
            Arc::clone(&line),
        ));
        let with_peer = service_fn(move |request: Request<Incoming>| {
            let begun = UnderWay::begin(&line, request).map(|(mut request, under_way)| {
                request.extensions_mut().insert(Peer(peer));
                (service.call(request), under_way)
            });
            async move {
                match begun {
                    Some((answer, under_way)) => {
                        answer.await.map(|answer| under_way.until_end(answer))
                    }
                    // Closed while its head came: its task drops it before anything is done.
                    None => pending().await,
                }
            }
        });
        let serving = connection.serve_connection(stream, with_peer);
        let open = opened();
        tokio::spawn(async move {
            if let Err(error) = until_end(serving, &entry.line).await {
                tracing::debug!(%peer, %error, "a connection ended early");
            }
            drop(open);
            drop(entry);
            drop(slot);
        });
    }
    let Door {
        listener,
        slots,
        open,
        ..
    } = door;
    drop(listener);
    tracing::info!("stopping: nothing more is accepted");
    open.end();
    let mut ended = Box::pin(async move {
        let _ = slots.acquire_many(most).await;
    });
    let in_time = tokio::time::timeout(bounds.grace, &mut ended).await.is_ok();
    if !in_time {
        tracing::warn!(
            seconds = bounds.grace.as_secs(),
            "requests that did not end are cut off"
        );
    }
    async move {
        if !in_time {
            ended.await;
        }
    }
}

/// Serves one connection until it ends, or has to and nothing is under way on it.
async fn until_end<C: GracefulConnection>(serving: C, line: &Line) -> Result<(), C::Error> {
    let mut serving = pin!(serving);
    tokio::select! {
        biased;
        ended = serving.as_mut() => return ended,
        () = line.has_to_end() => serving.as_mut().graceful_shutdown(),
    }
    // Asked to end, hyper still waits for the rest of a head that has begun, for a body, and for a client that
    // does not read.
    let since = Instant::now();
    let mut looks = tokio::time::interval(PAUSE);
    loop {
        tokio::select! {
            biased;
            ended = serving.as_mut() => return ended,
            _ = looks.tick() => if line.is_over(since.elapsed()) {
                return Ok(());
            }
        }
    }
}

/// Where connections come in.
struct Door {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    open: Arc<Open>,
    /// When it was said last that there are too many.
    told: Option<Instant>,
}

impl Door {
    async fn accept(&mut self) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        match self.listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small: waiting to fill a packet would only delay them.
                let _ = stream.set_nodelay(true);
                Some((stream, peer, self.slot().await?))
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                if has_no_descriptor(&error) {
                    self.open.make_room();
                }
                tokio::time::sleep(PAUSE).await;
                None
            }
        }
    }

    /// A place for a connection that came. Clients that hold one without a request that is worked on, and there
    /// may be as many as they like, must not keep everybody else out.
    async fn slot(&mut self) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Some(slot);
        }
        if self.told.is_none_or(|told| told.elapsed() > TELL_EVERY) {
            self.told = Some(Instant::now());
            tracing::warn!(
                "as many connections are open as are served at once; for each that comes, one whose client is waited for is closed"
            );
        }
        let mut slot = pin!(Arc::clone(&self.slots).acquire_owned());
        loop {
            self.open.make_room();
            tokio::select! {
                biased;
                slot = &mut slot => return slot.ok(),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

/// Too many open files, of this process or of the system: 24 and 23 on every Unix, 10024 on Windows.
fn has_no_descriptor(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24 | 10024))
}
