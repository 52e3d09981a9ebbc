//! What stands before the MCP server, the same for all requests.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use futures::future::BoxFuture;
use http_body_util::Full;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::authenticate::Authentication;
use super::body;
use super::health::Readiness;
use super::host::Names;
use super::metrics::Metrics;
use super::oauth::Metadata;
use super::problem::Problem;
use crate::body_room::BodyRoom;
use crate::connections::Peer;
use crate::gate::Gate;
use crate::http_caller::Slot;

/// The MCP server itself.
pub(super) type Mcp =
    Box<dyn Fn(axum::http::Request<Full<Bytes>>) -> BoxFuture<'static, Response> + Send + Sync>;

/// What all requests share.
pub(super) struct Front {
    pub(super) gate: Gate,
    pub(super) names: Names,
    pub(super) authentication: Authentication,
    pub(super) metadata: Option<Metadata>,
    pub(super) slots: Arc<Semaphore>,
    pub(super) body_bytes: usize,
    pub(super) room: BodyRoom,
    pub(super) io_timeout: Duration,
    pub(super) readiness: Readiness,
    pub(super) metrics: Metrics,
    /// Cancelled when the server is asked to end.
    pub(super) stopping: CancellationToken,
    /// Cancelled when it ends, with the calls that are still under way.
    pub(super) cut_off: CancellationToken,
    pub(super) mcp: Mcp,
}

/// How long a request has, after the server was asked to end, for the rest of its body.
const LAST_BODIES: Duration = Duration::from_secs(1);

/// A request for the MCP server.
pub(super) async fn mcp(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let from = peer.0.ip();
    let mut caller = front
        .authentication
        .caller(&parts.headers, from)
        .await
        .inspect_err(|problem| tracing::debug!(%from, ?problem, "refused"))?;
    let (bytes, taken) = if parts.method == Method::POST {
        let (at_most, within) = (front.body_bytes, front.io_timeout);
        let reading = body::message(&parts.headers, body, &front.room, at_most, within);
        tokio::select! {
            biased;
            read = reading => read.map(|(bytes, taken)| (bytes, Some(taken)))?,
            () = front.takes_no_more() => {
                return Err(Problem::unavailable("the server ends; nothing was done"));
            }
        }
    } else {
        (Bytes::new(), None)
    };
    let slot = Arc::clone(&front.slots).try_acquire_owned();
    let slot = slot.map_err(|_| Problem::unavailable("too many calls are under way; try again"))?;
    caller.slot = Some(Arc::new(Slot {
        _call: slot,
        _body: taken,
    }));
    parts.extensions.insert(caller);
    // Whoever sees the request from here on has no use for the token.
    parts.headers.remove(AUTHORIZATION);
    let request = axum::http::Request::from_parts(parts, Full::new(bytes));
    let response = (front.mcp)(request).await;
    if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        // Its type and its JSON were looked at above: it is a message of a shape that MCP does not have.
        return Err(Problem::no_request("this is no message of MCP"));
    }
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR && front.cut_off.is_cancelled() {
        return Err(Problem::cut_off());
    }
    Ok(response.map(Body::new))
}

impl Front {
    /// Ready when a client that does not send on would only delay the end.
    async fn takes_no_more(&self) {
        self.stopping.cancelled().await;
        tokio::time::sleep(LAST_BODIES).await;
    }
}
