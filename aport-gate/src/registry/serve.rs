//! The registry's connections.

use std::sync::Arc;

use tokio::net::TcpListener;

pub(super) use crate::connections::Peer;

use super::expiry;
use super::routes::router;
use super::state::{Registry, Shared};
use crate::connections::{self, Bounds};

/// Serves until `stop` is ready; then takes no more, and finishes what has begun within the grace
/// that the settings give.
pub(crate) async fn serve(
    registry: Registry,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let registry = Arc::new(registry);
    let bounds = Bounds {
        connections: registry.settings.connections,
        io_timeout: registry.settings.io_timeout,
        grace: registry.settings.grace,
    };
    let stop = async {
        tokio::select! {
            biased;
            () = stop => {}
            () = expiry::watch(&registry) => {}
        }
    };
    let opened = || Open::new(Arc::clone(&registry));
    let routes = router(Arc::clone(&registry));
    drop(connections::serve(routes, listener, bounds, opened, stop).await);
}

/// An open connection, as the metrics count it.
struct Open(Shared);

impl Open {
    fn new(registry: Shared) -> Self {
        registry.metrics.connections.inc();
        Self(registry)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.metrics.connections.dec();
    }
}
