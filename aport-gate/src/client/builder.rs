//! Setting up a client.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::service::{Peer, RunningService, Service};
use rmcp::transport::IntoTransport;

use super::connection::{Connect, Link, Open, connector};
use super::decisions::DecisionLog;
use super::retry::ATTEMPT;
use super::{ClientError, DecisionEntry, PassportClient, PreCheck, agent};

/// How long a listing is believed, unless the caller says otherwise.
const LISTING_LIFETIME: Duration = Duration::from_secs(300);

/// Sets up a [`PassportClient`].
#[must_use]
pub struct PassportClientBuilder {
    agent_id: String,
    timeout: Option<Duration>,
    listing_lifetime: Duration,
    trusts_annotations: bool,
    pre_check: Option<PreCheck>,
    decisions: DecisionLog,
}

impl PassportClientBuilder {
    pub(super) fn new(agent_id: String) -> Self {
        Self {
            agent_id,
            timeout: Some(ATTEMPT),
            listing_lifetime: LISTING_LIFETIME,
            trusts_annotations: true,
            pre_check: None,
            decisions: DecisionLog::default(),
        }
    }

    /// Longest time for one call; 30 seconds otherwise. `None` waits for ever. A [`Retry`](super::Retry) has
    /// its own.
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a listing is used before the server is asked again; five minutes otherwise, and less where the
    /// server says so: a `ttlMs` of 0 has it asked for each call. It is asked earlier, too, when it says that its tools changed, or that it does not know one.
    pub fn listing_lifetime(mut self, lifetime: Duration) -> Self {
        self.listing_lifetime = lifetime;
        self
    }

    /// Whether the annotations `readOnlyHint` and `idempotentHint` of a tool allow a call to be repeated
    /// whose answer was lost; they do otherwise. They are the server's word, and a mistake in one is a call
    /// that executes twice: turn them off for servers whose care you do not know.
    pub fn trust_annotations(mut self, trust: bool) -> Self {
        self.trusts_annotations = trust;
        self
    }

    /// Looks at every call before it is made: one that is certain to be denied is not made, and ends in a
    /// [`ClientError::Denied`] whose [`decided_by`](super::Denial::decided_by) says so. Off otherwise.
    pub fn pre_check(mut self, check: PreCheck) -> Self {
        self.pre_check = Some(check);
        self
    }

    /// Hears of every attempt at a call as it ends. [`PassportClient::decisions`] keeps the last of them
    /// anyway, and each is a `tracing` event.
    pub fn on_decision(mut self, sink: impl Fn(&DecisionEntry) + Send + Sync + 'static) -> Self {
        self.decisions.sink = Some(Arc::new(sink));
        self
    }

    /// Wraps a connected client and owns its connection; see [`PassportClient::new`].
    ///
    /// # Errors
    /// [`ClientError::InvalidAgentId`].
    pub fn wrap<S: Service<RoleClient>>(
        self,
        service: RunningService<RoleClient, S>,
    ) -> Result<PassportClient, ClientError> {
        agent::check(&self.agent_id)?;
        Ok(self.on(Link::new(Open::owned(service), None)))
    }

    /// Wraps a connection that somebody else owns; see [`PassportClient::from_peer`].
    ///
    /// # Errors
    /// [`ClientError::InvalidAgentId`].
    pub fn wrap_peer(self, peer: Peer<RoleClient>) -> Result<PassportClient, ClientError> {
        agent::check(&self.agent_id)?;
        Ok(self.on(Link::new(Open::shared(peer), None)))
    }

    /// Speaks MCP over a transport: the stateless protocol of today, or the older one with a server that does
    /// not know it. When the connection is lost, that is it;
    /// [`connect_with`](Self::connect_with) can make another.
    ///
    /// # Errors
    /// [`ClientError::InvalidAgentId`], [`ClientError::Connect`].
    pub async fn connect<T, E, A>(self, transport: T) -> Result<PassportClient, ClientError>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        agent::check(&self.agent_id)?;
        let open = Open::over(transport).await.map_err(ClientError::Connect)?;
        Ok(self.on(Link::new(open, None)))
    }

    /// Connects over transports that `make` makes; see [`PassportClient::with_connector`].
    ///
    /// # Errors
    /// [`ClientError::InvalidAgentId`], [`ClientError::Connect`].
    pub async fn connect_with<F, Fut, T, E, A, X>(
        self,
        make: F,
    ) -> Result<PassportClient, ClientError>
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, X>> + Send + 'static,
        T: IntoTransport<RoleClient, E, A> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
        X: std::fmt::Display + Send,
    {
        self.connect_by(connector(make)).await
    }

    pub(super) async fn connect_by(
        self,
        connect: Arc<Connect>,
    ) -> Result<PassportClient, ClientError> {
        agent::check(&self.agent_id)?;
        let link = Link::made_by(connect).await?;
        Ok(self.on(link))
    }

    fn on(self, link: Link) -> PassportClient {
        PassportClient {
            link,
            agent_id: self.agent_id,
            timeout: self.timeout,
            listing_lifetime: self.listing_lifetime,
            trusts_annotations: self.trusts_annotations,
            pre_check: self.pre_check,
            decisions: self.decisions,
        }
    }
}
