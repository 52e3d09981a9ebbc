//! Hearing that a server's tools changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rmcp::model::{ClientConfig, Implementation, SubscriptionFilter};
use rmcp::service::{NotificationContext, Peer};
use rmcp::{ClientHandler, RoleClient};

/// How often the server said that its tools changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(Arc<AtomicU64>);

impl Changes {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn heard(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// The handler of connections that a client makes by itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch(pub(super) Changes);

impl ClientHandler for Watch {
    fn get_info(&self) -> ClientConfig {
        let name = Implementation::new("aport-gate", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(rmcp::model::ClientCapabilities::default(), name)
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.0.heard();
    }
}

/// Asks a server of the stateless protocol to say when its tools change: there it says so only to who
/// asked. Ends with the connection.
pub(super) async fn listen(peer: Peer<RoleClient>, changes: Changes) {
    let tells = peer.peer_info().is_some_and(|info| {
        let tools = info.capabilities.tools.as_ref();
        !info.protocol_version.has_initialize()
            && tools.is_some_and(|tools| tools.list_changed == Some(true))
    });
    if !tells {
        return;
    }
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    let mut subscription = match peer.listen(filter).await {
        Ok(subscription) => subscription,
        Err(error) => {
            tracing::debug!(%error, "the server tells no changes of its tools");
            return;
        }
    };
    // What changed before the subscription stood was told to nobody.
    changes.heard();
    while let Ok(Some(_)) = subscription.next().await {
        changes.heard();
    }
    changes.heard();
}
