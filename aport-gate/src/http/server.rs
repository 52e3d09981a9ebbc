//! A server that listens for HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::authenticate::Authentication;
use super::challenge::Challenge;
use super::front::{Front, Mcp};
use super::health::Readiness;
use super::host::Names;
use super::metrics::Metrics;
use super::oauth::{Metadata, OAuth};
use super::options::HttpOptions;
use super::routes::{MCP_PATH, router};
use crate::agent_tokens::{AgentToken, AgentTokens};
use crate::body_room::BodyRoom;
use crate::connections::{self, Bounds};
use crate::error::{Error, Result};
use crate::secret_file::Entry as _;
use crate::server::{HasGate as _, Server};
use crate::stop;

/// How long calls that were cut off have to write down that they were.
const LAST_RECORDS: Duration = Duration::from_secs(2);
/// How long a server that ends waits until a registry knows what became of its last calls.
#[cfg(feature = "registry")]
const LAST_REPORTS: Duration = Duration::from_secs(2);

/// A server that listens, and serves nothing yet: see [`Server::bind_http`].
pub struct HttpServer {
    front: Arc<Front>,
    listener: TcpListener,
    address: SocketAddr,
    options: HttpOptions,
}

impl<T: Send + Sync + 'static> Server<T> {
    /// Serves many clients over streamable HTTP at `/mcp`, until the process is asked to end (SIGTERM or
    /// Ctrl-C). Calls under way are finished first.
    ///
    /// # Errors
    /// As [`bind_http`](Self::bind_http).
    pub async fn serve_http(self, options: HttpOptions) -> Result<()> {
        self.bind_http(options).await?.serve().await
    }

    /// Checks tools and options, and listens. Nothing is answered before
    /// [`HttpServer::serve_until`].
    ///
    /// # Errors
    /// [`Error::HttpSetup`] when it must not be served so; [`Error::Listen`] when the address cannot be
    /// listened on; or what [`Server::checked`] finds.
    pub async fn bind_http(self, options: HttpOptions) -> Result<HttpServer> {
        let server = Arc::new(self.checked()?);
        let gate = server.gate().clone();
        let tokens = AgentTokens::new(&gate.inner.home);
        let known = tokens.all();
        let known =
            known.map_err(|error| Error::HttpSetup(format!("the tokens of agents: {error}")))?;
        let has_tokens = known.iter().any(AgentToken::is_in_force);
        let security = gate.inner.security;
        options
            .check(security, has_tokens)
            .map_err(Error::HttpSetup)?;
        if known.is_empty() && !options.requires_auth(security) {
            tracing::warn!(
                "no agent has a token: whoever reaches this server on this machine may call as any agent that it serves"
            );
        }
        for proxy in options.proxies.iter().filter(|proxy| proxy.is_wide()) {
            tracing::warn!(
                "whoever connects from `{proxy}` may act as any agent, by a header alone where there are no tokens: name the proxy's own address"
            );
        }
        let failed = |source| Error::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (origin, path) = match &options.public {
            Some(url) => (url.origin(), url.path().to_owned()),
            None => (format!("http://{address}"), MCP_PATH.to_owned()),
        };
        let oauth = options.oauth.clone();
        let metadata = oauth
            .as_ref()
            .map(|oauth| Metadata::new(oauth, &origin, &path));
        let oauth = oauth.map(|oauth| OAuth::new(oauth, &format!("{origin}{path}")));
        let authentication = Authentication {
            tokens,
            proxies: options.proxies.clone(),
            required: options.requires_auth(security),
            oauth: oauth.transpose().map_err(Error::HttpSetup)?,
            challenge: Challenge {
                metadata: metadata.as_ref().map(|metadata| metadata.url.clone()),
            },
        };
        let cut_off = CancellationToken::new();
        let calls = options.calls.min(Semaphore::MAX_PERMITS);
        let metrics = Metrics::new(&gate, calls);
        let front = Front {
            gate,
            names: Names {
                loopback: address.ip().is_loopback(),
                public: options.public.clone(),
                origins: options.origins.clone(),
            },
            authentication,
            metadata,
            slots: Arc::new(Semaphore::new(calls)),
            body_bytes: options.body_bytes,
            // Else a body of the largest size could never be read.
            room: BodyRoom::new(options.all_body_bytes.max(options.body_bytes)),
            io_timeout: options.io_timeout,
            readiness: Readiness::default(),
            metrics,
            stopping: CancellationToken::new(),
            mcp: mcp(server, &options, cut_off.clone()),
            cut_off,
        };
        Ok(HttpServer {
            front: Arc::new(front),
            listener,
            address,
            options,
        })
    }
}

impl HttpServer {
    /// Where clients on this machine find it, such as `http://127.0.0.1:8080/mcp`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{MCP_PATH}", self.address)
    }

    /// Serves until the process is asked to end, by SIGTERM or Ctrl-C.
    ///
    /// # Errors
    /// [`Error::Session`] when signals cannot be listened to.
    pub async fn serve(self) -> Result<()> {
        let stopped = stop::signal()
            .map_err(|error| Error::Session(format!("cannot listen to signals: {error}")))?;
        tracing::info!(url = self.url(), "listening");
        self.serve_until(stopped).await;
        Ok(())
    }

    /// Serves until `stop` is ready. Then nothing more is accepted, and calls under way are finished, for
    /// as long as [`HttpOptions::grace`] gives them.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) {
        let Self {
            front,
            listener,
            options,
            ..
        } = self;
        let bounds = Bounds {
            connections: options.connections,
            io_timeout: options.io_timeout,
            grace: options.grace,
        };
        let stop = async {
            stop.await;
            front.stopping.cancel();
        };
        let opened = || front.metrics.opened();
        let routes = router(Arc::clone(&front));
        let answered = connections::serve(routes, listener, bounds, opened, stop).await;
        front.cut_off.cancel();
        // A call holds its slot until its outcome is recorded.
        let all = u32::try_from(options.calls).unwrap_or(u32::MAX);
        let recorded = async {
            let _ = tokio::join!(answered, front.slots.acquire_many(all));
        };
        let ended = tokio::time::timeout(LAST_RECORDS, recorded).await;
        if ended.is_err() {
            tracing::warn!("calls that do not end are left; what they took from caps stays taken");
        }
        #[cfg(feature = "registry")]
        front.gate.outcomes_reported(LAST_REPORTS).await;
    }
}

impl std::fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// One server for all requests: gate and routes were checked once, before anything is answered.
fn mcp<T: Send + Sync + 'static>(
    server: Arc<Server<T>>,
    options: &HttpOptions,
    cut_off: CancellationToken,
) -> Mcp {
    let config = StreamableHttpServerConfig::default()
        // No state between requests, in no protocol: any replica answers any request.
        .with_legacy_session_mode(false)
        .with_json_response(true)
        // Looked at before, together with what rmcp lets pass, such as a header that is there twice.
        .disable_allowed_hosts()
        .with_max_request_body_bytes(options.body_bytes)
        .with_cancellation_token(cut_off);
    let service = StreamableHttpService::new(
        move || Ok(Arc::clone(&server)),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    Box::new(move |request| {
        let service = service.clone();
        Box::pin(async move { service.handle(request).await.map(Body::new) })
    })
}
