//! The connection to a server, and another one when it is lost.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rmcp::RoleClient;
use rmcp::model::ProtocolVersion;
use rmcp::service::{
    ClientCacheConfig, ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _,
};
use rmcp::service::{Peer, RunningService, Service};
use rmcp::transport::IntoTransport;
use tokio::task::AbortHandle;

use super::ClientError;
use super::listing::Listing;
use super::watch::{Changes, Watch, listen};

/// Longest time for a connection and its handshake. A program that is no MCP server may read for ever and
/// never answer.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Makes a connection; what went wrong is told in words.
pub(super) type Connect = dyn Fn() -> BoxFuture<'static, Result<Open, String>> + Send + Sync;

/// A connection that stands, or stood.
pub(super) struct Open {
    pub(super) peer: Peer<RoleClient>,
    pub(super) listing: Listing,
    /// Kept so that the connection lives as long as this.
    held: Mutex<Option<Box<dyn Held>>>,
    listener: Option<AbortHandle>,
}

impl Open {
    /// A connection that somebody else owns.
    pub(super) fn shared(peer: Peer<RoleClient>) -> Self {
        Self {
            peer,
            listing: Listing::new(Changes::default()),
            held: Mutex::new(None),
            listener: None,
        }
    }

    pub(super) fn owned<S: Service<RoleClient>>(service: RunningService<RoleClient, S>) -> Self {
        let open = Self::shared(service.peer().clone());
        *open.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(service));
        open
    }

    /// Speaks MCP over a transport: today's stateless protocol, or the older one with a server that says that
    /// it does not know it.
    pub(super) async fn over<T, E, A>(transport: T) -> Result<Self, String>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let spoken = Self::speaking(transport, either()).await;
        spoken.map_err(|failed| failed.told)
    }

    async fn speaking<T, E, A>(transport: T, lifecycle: ClientLifecycleMode) -> Result<Self, Failed>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let changes = Changes::default();
        let handshake = Watch(changes.clone()).serve_with_lifecycle(transport, lifecycle);
        let service = match tokio::time::timeout(HANDSHAKE, handshake).await {
            Ok(Ok(service)) => service,
            Ok(Err(error)) => {
                return Err(Failed {
                    told: refused(&error),
                    answered_otherwise: answered_otherwise(&error),
                });
            }
            Err(_) => {
                let seconds = HANDSHAKE.as_secs();
                return Err(Failed {
                    told: format!("the server did not answer within {seconds} seconds"),
                    answered_otherwise: false,
                });
            }
        };
        let peer = service.peer().clone();
        // Listings are kept here, with a lifetime of ours.
        peer.set_response_cache_config(ClientCacheConfig::disabled())
            .await;
        let listener = tokio::spawn(listen(peer, changes.clone())).abort_handle();
        let mut open = Self::owned(service);
        open.listing = Listing::new(changes);
        open.listener = Some(listener);
        Ok(open)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.peer.is_transport_closed()
    }

    pub(super) async fn close(&self) {
        let held = self
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(held) = held {
            held.close().await;
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            listener.abort();
        }
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = self.is_closed();
        f.debug_struct("Open").field("closed", &closed).finish()
    }
}

/// A handshake that failed.
struct Failed {
    told: String,
    /// The server took the question, and its answer is none of the protocol of today.
    answered_otherwise: bool,
}

fn either() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    }
}

/// Servers of the older protocol answer a method that they do not know with an error, as they should, but some
/// with an empty result or with an HTTP status.
fn answered_otherwise(error: &ClientInitializeError) -> bool {
    match error {
        ClientInitializeError::ExpectedInitResult(Some(_)) => true,
        ClientInitializeError::TransportError { error, .. } => {
            super::unsent::answered_otherwise(error.error.as_ref())
        }
        _ => false,
    }
}

/// Why a handshake failed, in words that help: rmcp's name the transport and not the cause.
fn refused(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => refused(fallback),
        ClientInitializeError::TransportError { error, .. } => {
            super::unsent::cause(error.error.as_ref())
        }
        // Theirs are debug output of rmcp's types.
        ClientInitializeError::ExpectedInitResponse(_)
        | ClientInitializeError::ExpectedInitResult(_) => {
            "the server does not speak MCP: its answer to the handshake is none of that protocol"
                .to_owned()
        }
        ClientInitializeError::ConnectionClosed(_) => {
            "the server does not speak MCP, or died: the connection ended during the handshake"
                .to_owned()
        }
        other => super::wording::chain(other),
    }
}

/// A running client of any handler.
trait Held: Send + Sync {
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

impl<S: Service<RoleClient>> Held for RunningService<RoleClient, S> {
    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            if let Err(error) = self.cancel().await {
                tracing::debug!(%error, "the client's task did not end cleanly");
            }
        }
        .boxed()
    }
}

/// A caller's way to make a transport, made into one to make a connection.
pub(super) fn connector<F, Fut, T, E, A, X>(make: F) -> Arc<Connect>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, X>> + Send + 'static,
    T: IntoTransport<RoleClient, E, A> + Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
    X: fmt::Display + Send,
{
    let make = Arc::new(make);
    Arc::new(move || {
        let make = Arc::clone(&make);
        let making = make();
        async move {
            let transport = making.await.map_err(|error| error.to_string())?;
            let failed = match Open::speaking(transport, either()).await {
                Ok(open) => return Ok(open),
                Err(failed) => failed,
            };
            if !failed.answered_otherwise {
                return Err(failed.told);
            }
            let making = make();
            let transport = making.await.map_err(|error| error.to_string())?;
            let older = Open::speaking(transport, ClientLifecycleMode::Initialize).await;
            older.map_err(|failed| failed.told)
        }
        .boxed()
    })
}

/// The connection of a client now.
pub(super) struct Link {
    current: Mutex<Arc<Open>>,
    connect: Option<Arc<Connect>>,
    /// One at a time: several calls that lost one connection need one new one.
    connecting: tokio::sync::Mutex<()>,
}

impl Link {
    pub(super) fn new(open: Open, connect: Option<Arc<Connect>>) -> Self {
        Self {
            current: Mutex::new(Arc::new(open)),
            connect,
            connecting: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) async fn made_by(connect: Arc<Connect>) -> Result<Self, ClientError> {
        let open = connect().await.map_err(ClientError::Connect)?;
        Ok(Self::new(open, Some(connect)))
    }

    pub(super) fn current(&self) -> Arc<Open> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// Whether a lost connection can be replaced.
    pub(super) fn can_reconnect(&self) -> bool {
        self.connect.is_some()
    }

    /// A connection that stands, as far as anybody knows.
    ///
    /// # Errors
    /// [`ClientError::Connect`]: nothing was sent.
    pub(super) async fn standing(&self) -> Result<Arc<Open>, ClientError> {
        let open = self.current();
        if !open.is_closed() {
            return Ok(open);
        }
        self.replace(&open).await
    }

    /// Another connection than `lost`, whatever its state.
    pub(super) async fn replace(&self, lost: &Arc<Open>) -> Result<Arc<Open>, ClientError> {
        let _one = self.connecting.lock().await;
        let open = self.current();
        if !Arc::ptr_eq(&open, lost) && !open.is_closed() {
            return Ok(open);
        }
        let Some(connect) = &self.connect else {
            return Err(ClientError::Connect(
                "the connection is lost, and this client cannot make another; give it a connector"
                    .to_owned(),
            ));
        };
        let open = Arc::new(connect().await.map_err(ClientError::Connect)?);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&open);
        // Calls on the old one have their own hold on it.
        Ok(open)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("current", &self.current())
            .field("can_reconnect", &self.can_reconnect())
            .finish()
    }
}
