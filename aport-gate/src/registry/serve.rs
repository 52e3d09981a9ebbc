//! Connections: accepted up to a number, bounded in time, and ended in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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

use super::expiry;
use super::routes::router;
use super::state::Registry;

/// Most headers of a request.
const MOST_HEADERS: usize = 64;
/// Largest head of a request, in bytes.
const LARGEST_HEAD: usize = 32 * 1024;
/// Pause after an accept that failed, as when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(50);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Serves until `stop` is ready; then takes no more, and finishes what has begun within the grace
/// that the settings give.
pub(crate) async fn serve(
    registry: Registry,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let registry = Arc::new(registry);
    let grace = registry.settings.grace;
    let io_timeout = registry.settings.io_timeout;
    let slots = Arc::new(Semaphore::new(registry.settings.connections));
    let service = TowerToHyperService::new(router(Arc::clone(&registry)));
    let mut connection = http1::Builder::new();
    connection
        .timer(TokioTimer::new())
        .header_read_timeout(io_timeout)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    let mut expiry = std::pin::pin!(expiry::watch(&registry));
    loop {
        let (stream, peer, slot) = tokio::select! {
            biased;
            () = &mut stop => break,
            () = &mut expiry => break,
            accepted = accept(&listener, &slots) => match accepted {
                Some(accepted) => accepted,
                None => continue,
            },
        };
        let service = service.clone();
        let with_peer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            service.call(request)
        });
        let serving = graceful.watch(connection.serve_connection(TokioIo::new(stream), with_peer));
        let open = Arc::clone(&registry);
        tokio::spawn(async move {
            open.metrics.connections.inc();
            if let Err(error) = serving.await {
                tracing::debug!(%peer, %error, "a connection ended early");
            }
            open.metrics.connections.dec();
            drop(slot);
        });
    }
    drop(listener);
    tracing::info!("stopping: nothing more is accepted");
    if tokio::time::timeout(grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            seconds = grace.as_secs(),
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
