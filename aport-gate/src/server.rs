//! An MCP server of gated tools.

use std::collections::HashSet;

use rmcp::handler::server::router::tool::{IntoToolRoute, ToolRoute, ToolRouter};
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer, RunningService};
use rmcp::{ErrorData, ServerHandler, ServiceExt as _};

use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::http_caller::Transport;
use crate::inventory::Inventory;

/// How long a server that ends waits until a registry knows what became of its last calls.
#[cfg(feature = "registry")]
const LAST_REPORTS: std::time::Duration = std::time::Duration::from_secs(2);

/// A server that tells where its gate is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say where its gate is",
    label = "a gated tool needs a server with a gate",
    note = "implement `aport_gate::HasGate` for it, or serve the tool from `aport_gate::Server`"
)]
pub trait HasGate {
    /// The gate around this server's tools.
    fn gate(&self) -> &Gate;
}

/// A server that lends its state to a tool's `#[service]` parameter.
///
/// Every type lends itself; [`Server<T>`] lends its `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `{T}` for a `#[service]` parameter",
    label = "this tool asks for `&{T}`",
    note = "give `Server::new` a `{T}`, or implement `aport_gate::HasService<{T}>` for your server"
)]
pub trait HasService<T: ?Sized> {
    /// The state.
    fn service(&self) -> &T;
}

impl<T> HasService<T> for T {
    fn service(&self) -> &T {
        self
    }
}

impl<T> HasService<T> for Server<T> {
    fn service(&self) -> &T {
        &self.state
    }
}

/// An MCP server whose tools all stand behind one [`Gate`].
pub struct Server<T> {
    gate: Gate,
    state: T,
    router: ToolRouter<Self>,
    repeated: HashSet<String>,
    public: Vec<String>,
    is_checked: bool,
    name: String,
    version: String,
}

impl<T> HasGate for Server<T> {
    fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl<T: Send + Sync + 'static> Server<T> {
    /// A server without tools; `state` is what `#[service]` parameters see.
    pub fn new(gate: Gate, state: T) -> Self {
        Self {
            gate,
            state,
            router: ToolRouter::new(),
            repeated: HashSet::new(),
            public: Vec::new(),
            is_checked: false,
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Name and version that the server tells its clients.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.name = name.into();
        self.version = version.into();
        self
    }

    /// Adds a tool: the name of a gated function, without parentheses, or any other route of
    /// rmcp's that is then named with [`public_tool`](Self::public_tool).
    #[must_use]
    pub fn with_route<R, A>(mut self, route: R) -> Self
    where
        R: IntoToolRoute<Self, A>,
    {
        self.add(route.into_tool_route());
        self
    }

    /// Adds all tools of a router.
    #[must_use]
    pub fn with_routes(mut self, router: ToolRouter<Self>) -> Self {
        for route in router {
            self.add(route);
        }
        self
    }

    /// Names a tool that anybody may run, without a gate.
    ///
    /// A server with a tool that is neither gated nor named so does not start.
    #[must_use]
    pub fn public_tool(mut self, name: impl Into<String>) -> Self {
        self.public.push(name.into());
        self.is_checked = false;
        self
    }

    /// What guards which tool of this server, for review.
    #[must_use]
    pub fn inventory(&self) -> Inventory {
        self.gate.inventory(&self.router)
    }

    fn add(&mut self, route: ToolRoute<Self>) {
        self.is_checked = false;
        if self.router.map.contains_key(route.name()) {
            self.repeated.insert(route.name().to_owned());
        }
        self.router.add_route(route);
    }

    /// Serves one client over standard input and output, until it leaves.
    ///
    /// Nothing but MCP may be written to standard output meanwhile: send logs
    /// to standard error.
    ///
    /// # Errors
    /// [`Error::UngatedTool`], [`Error::PublicTool`], [`Error::UnknownPack`] or
    /// [`Error::DuplicateTool`] before anything is served; [`Error::Session`]
    /// when the session fails.
    pub async fn serve_stdio(self) -> Result<()> {
        #[cfg(feature = "registry")]
        let gate = self.gate.clone();
        let running = self.serve_transport(rmcp::transport::stdio()).await?;
        let ended = running
            .waiting()
            .await
            .map_err(|error| Error::Session(error.to_string()));
        #[cfg(feature = "registry")]
        gate.outcomes_reported(LAST_REPORTS).await;
        ended.map(|_| ())
    }

    /// Serves one client over any transport that rmcp knows, such as a
    /// `tokio::io::duplex` in tests.
    ///
    /// # Errors
    /// As [`serve_stdio`](Self::serve_stdio).
    pub async fn serve_transport<I, E, X>(
        self,
        transport: I,
    ) -> Result<RunningService<RoleServer, Self>>
    where
        I: rmcp::transport::IntoTransport<RoleServer, E, X>,
        E: std::error::Error + Send + Sync + 'static,
    {
        self.checked()?
            .serve(transport)
            .await
            .map_err(|error| Error::Session(error.to_string()))
    }

    /// Checks the server's tools, as [`serve_stdio`](Self::serve_stdio) does by itself. For rmcp's own ways
    /// to serve: a server that was not checked answers every request about tools with an error. Over rmcp's
    /// own HTTP service a call also needs an [`HttpCaller`](crate::HttpCaller), or it is refused; the feature
    /// `http` has a service of ours, `serve_http`.
    ///
    /// # Errors
    /// [`Error::UngatedTool`], [`Error::PublicTool`], [`Error::UnknownPack`], [`Error::PackMismatch`],
    /// [`Error::Contract`] or [`Error::DuplicateTool`].
    pub fn checked(mut self) -> Result<Self> {
        if let Some(name) = self.repeated.iter().min() {
            return Err(Error::DuplicateTool(name.clone()));
        }
        let router = std::mem::take(&mut self.router);
        self.router = self
            .gate
            .describe_with_public(router, self.public.clone())?;
        self.is_checked = true;
        Ok(self)
    }

    fn require_check(&self) -> std::result::Result<(), ErrorData> {
        if self.is_checked {
            return Ok(());
        }
        tracing::error!("this server's tools were not checked; make it with `Server::checked`");
        Err(ErrorData::internal_error(
            "the tools of this server were not checked, so none of them is served",
            None,
        ))
    }
}

impl<T: Send + Sync + 'static> ServerHandler for Server<T> {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new(&self.name, &self.version))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.require_check()?;
        self.router
            .call(ToolCallContext::new(self, request, context))
            .await
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.require_check()?;
        let mut tools = self.router.list_all();
        let transport = Transport::of(&context.extensions);
        self.gate.refresh_listing(&mut tools, &transport);
        // What is listed depends on the agent that this server, or the request, is bound to.
        Ok(ListToolsResult::with_all_items(tools).with_cache_scope(CacheScope::Private))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.router.get(name).cloned()
    }
}
