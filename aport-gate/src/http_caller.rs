//! What is known about who sent a request over HTTP.

#[cfg(feature = "http")]
use std::sync::Arc;

use aport_gate_oap::AgentId;
use rmcp::model::Extensions;
#[cfg(feature = "http")]
use tokio::sync::OwnedSemaphorePermit;

#[cfg(feature = "http")]
use crate::body_room::Taken;

/// Who sent an HTTP request, as this server's own code found out.
///
/// [`Server::serve_http`](crate::Server) puts one into every request. A server of your own on rmcp's
/// `StreamableHttpService` puts one into the extensions of each request, in a layer of its own that has
/// authenticated the request; no header can make one. A gated call that came over HTTP without one is
/// refused.
///
/// ```
/// # fn layer<B>(request: &mut http::Request<B>, agent: aport_gate::oap::AgentId) {
/// request.extensions_mut().insert(aport_gate::HttpCaller::authenticated(agent));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HttpCaller {
    /// The agent that the request's access token is bound to.
    pub(crate) token: Option<AgentId>,
    /// The agent that a trusted proxy names.
    pub(crate) proxy: Option<AgentId>,
    /// Its place among the requests that are served at once: free again when the call has ended, which
    /// may be after its connection.
    #[cfg(feature = "http")]
    pub(crate) slot: Option<Arc<Slot>>,
}

/// What a call takes of what is there for all.
#[cfg(feature = "http")]
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) _call: OwnedSemaphorePermit,
    pub(crate) _body: Option<Taken>,
}

impl HttpCaller {
    /// The request proved that this agent sent it.
    #[must_use]
    pub fn authenticated(agent: AgentId) -> Self {
        Self::of(Some(agent), None)
    }

    /// Whoever sent it may do what `APORT_AGENT_ID`, or else the caller's own claim, allows: for a server
    /// that only trusted programs reach. In secure mode such a call is refused.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::of(None, None)
    }

    pub(crate) fn of(token: Option<AgentId>, proxy: Option<AgentId>) -> Self {
        Self {
            token,
            proxy,
            #[cfg(feature = "http")]
            slot: None,
        }
    }

    fn binds_agent(&self) -> bool {
        self.token.is_some() || self.proxy.is_some()
    }
}

/// How a call arrived.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    /// Over standard input, a pipe or a stream that belongs to one client.
    Session,
    /// Over HTTP.
    Http(HttpCaller),
    /// Over HTTP, and nothing on the way said who sent it.
    UnknownHttp,
}

impl Transport {
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let Some(parts) = extensions.get::<http::request::Parts>() else {
            return Self::Session;
        };
        match parts.extensions.get::<HttpCaller>() {
            Some(caller) => Self::Http(caller.clone()),
            None => Self::UnknownHttp,
        }
    }

    /// Whether the request itself names the agent, so that arguments need not.
    pub(crate) fn binds_agent(&self) -> bool {
        matches!(self, Self::Http(caller) if caller.binds_agent())
    }
}
