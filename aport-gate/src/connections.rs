//! Connections over HTTP: accepted up to a number, bounded in time, and ended in order.

mod read_in_time;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::read_in_time::ReadInTime;

/// Most headers of a request.
const MOST_HEADERS: usize = 64;
/// Largest head of a request, in bytes.
const LARGEST_HEAD: usize = 32 * 1024;
/// Pause after an accept that failed, as when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(50);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// How much is served at once, and how long is waited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Most connections at once; further ones wait.
    pub(crate) connections: usize,
    /// Longest time to wait for the whole head of a request, and for a client that does not read its answer.
    pub(crate) io_timeout: Duration,
    /// Longest wait at the end for what has begun.
    pub(crate) grace: Duration,
}

/// Serves until `stop` is ready; then takes no more, and finishes what has begun within the grace that
/// the bounds give. What `opened` returns lives as long as its connection.
pub(crate) async fn serve<G: Send + 'static>(
    router: Router,
    listener: TcpListener,
    bounds: Bounds,
    opened: impl Fn() -> G,
    stop: impl Future<Output = ()>,
) {
    let slots = Arc::new(Semaphore::new(bounds.connections));
    let service = TowerToHyperService::new(router);
    let mut connection = http1::Builder::new();
    connection
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.io_timeout)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer, slot) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => match accepted {
                Some(accepted) => accepted,
                None => continue,
            },
        };
        let service = service.clone();
        let stream = TokioIo::new(ReadInTime::new(stream, bounds.io_timeout));
        let with_peer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            service.call(request)
        });
        let serving = graceful.watch(connection.serve_connection(stream, with_peer));
        let open = opened();
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::debug!(%peer, %error, "a connection ended early");
            }
            drop(open);
            drop(slot);
        });
    }
    drop(listener);
    tracing::info!("stopping: nothing more is accepted");
    if tokio::time::timeout(bounds.grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            seconds = bounds.grace.as_secs(),
            "connections that did not end are cut off"
        );
    }
}

/// A slot first: without one, further connections wait in the system's queue.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small: waiting to fill a packet would only delay them.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, slot))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}
