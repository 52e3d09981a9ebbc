//! An rmcp client and a server, joined by an in-memory pipe.

use rmcp::model::{CallToolRequestParams, JsonObject, RequestMetaObject, Tool};
use rmcp::service::{RoleClient, RunningService};
use rmcp::{RoleServer, ServerHandler, ServiceExt as _};
use serde_json::Value;

use super::Answer;
use crate::identity::META_AGENT_ID;
use crate::server::Server;

/// Bytes that the pipe holds in each direction.
const PIPE: usize = 1 << 16;

/// A client connected to a server in this process. Both end when it is dropped.
#[derive(Debug)]
pub struct Session<S: ServerHandler> {
    client: RunningService<RoleClient, ()>,
    server: RunningService<RoleServer, S>,
}

impl<T: Send + Sync + 'static> Session<Server<T>> {
    pub(super) async fn of_server(server: Server<T>) -> Self {
        let (server_side, client_side) = tokio::io::duplex(PIPE);
        let starting = tokio::join!(server.serve_transport(server_side), ().serve(client_side));
        match starting {
            (Ok(server), Ok(client)) => Self { client, server },
            (Err(error), _) => panic!("the server does not start: {error}"),
            (_, Err(error)) => panic!("the client cannot connect: {error}"),
        }
    }

    /// What the `#[service]` parameters of the tools see.
    #[must_use]
    pub fn state(&self) -> &T {
        crate::HasService::service(self.server.service())
    }
}

impl<S: ServerHandler> Session<S> {
    /// Connects to a server of your own, which has its [`TestGate`](super::TestGate) already.
    ///
    /// # Panics
    /// When the handshake fails.
    pub async fn with(server: S) -> Self {
        let (server_side, client_side) = tokio::io::duplex(PIPE);
        match tokio::join!(server.serve(server_side), ().serve(client_side)) {
            (Ok(server), Ok(client)) => Self { client, server },
            (Err(error), _) => panic!("the server does not start: {error}"),
            (_, Err(error)) => panic!("the client cannot connect: {error}"),
        }
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &S {
        self.server.service()
    }

    /// The rmcp client, for what this session does not wrap.
    #[must_use]
    pub fn client(&self) -> &RunningService<RoleClient, ()> {
        &self.client
    }

    /// The tools, as they are listed.
    ///
    /// # Panics
    /// When the server does not list them.
    pub async fn tools(&self) -> Vec<Tool> {
        match self.client.list_all_tools().await {
            Ok(tools) => tools,
            Err(error) => panic!("the server does not list its tools: {error}"),
        }
    }

    /// Calls a tool. `arguments` is a JSON object.
    ///
    /// # Panics
    /// When `arguments` is none, or the answer is a protocol error, such as for an unknown tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.request(tool, arguments, RequestMetaObject::default())
            .await
    }

    /// Calls a tool as an agent that the request's `_meta` names.
    ///
    /// # Panics
    /// As [`call`](Self::call).
    pub async fn call_as(&self, agent_id: &str, tool: &str, arguments: Value) -> Answer {
        let mut meta = RequestMetaObject::default();
        meta.0.0.insert(META_AGENT_ID.to_owned(), agent_id.into());
        self.request(tool, arguments, meta).await
    }

    async fn request(&self, tool: &str, arguments: Value, meta: RequestMetaObject) -> Answer {
        let mut request =
            CallToolRequestParams::new(tool.to_owned()).with_arguments(object(arguments));
        request.meta = Some(meta);
        match self.client.call_tool(request).await {
            Ok(result) => Answer::from(result),
            Err(error) => panic!("`{tool}` was not answered: {error}"),
        }
    }
}

fn object(arguments: Value) -> JsonObject {
    match arguments {
        Value::Object(map) => map,
        other => panic!("arguments are a JSON object, not {other}"),
    }
}
