//! A server and its client in this process, connected by a pipe in memory.

use aport_gate::oap::AgentId;
use aport_gate::rmcp::model::{CallToolRequestParams, CallToolResult, Tool};
use aport_gate::rmcp::service::{RoleClient, RunningService};
use aport_gate::rmcp::{self, RoleServer, ServerHandler, ServiceExt as _};
use aport_gate::{Gate, GateBuilder, Server};
use serde_json::{Value, json};

/// The agent of [`InProcess`].
pub const TESTER: &str = "ap_tester";

/// A served server, and a client that calls it.
pub struct InProcess<S: ServerHandler> {
    pub client: RunningService<RoleClient, ()>,
    pub gate: Gate,
    pub server: RunningService<RoleServer, S>,
    pub home: tempfile::TempDir,
}

/// A gate in a fresh home, bound to [`TESTER`], who holds `capability` with `limits`.
pub async fn gate_with(
    capability: &str,
    limits: Value,
    set_up: impl FnOnce(GateBuilder) -> GateBuilder,
) -> (Gate, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let builder = Gate::builder()
        .home(home.path())
        .agent(AgentId::parse(TESTER).unwrap());
    let gate = set_up(builder).build().await.unwrap();
    let passport = json!({
        "passport_id": TESTER, "kind": "instance", "spec_version": "oap/1.0",
        "owner_id": "org_test", "owner_type": "org", "assurance_level": "L2", "status": "active",
        "capabilities": [{"id": capability}], "limits": {capability: limits}, "regions": ["US"],
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "version": "1.0.0"
    });
    let file = home.path().join(format!("passports/{TESTER}.json"));
    std::fs::write(file, passport.to_string()).unwrap();
    (gate, home)
}

impl<T: Send + Sync + 'static> InProcess<Server<T>> {
    /// Serves a server of ours.
    pub async fn serve(server: Server<T>, gate: Gate, home: tempfile::TempDir) -> Self {
        let (server_side, client_side) = tokio::io::duplex(1 << 16);
        let (server, client) =
            tokio::join!(server.serve_transport(server_side), ().serve(client_side));
        Self {
            client: client.unwrap(),
            gate,
            server: server.unwrap(),
            home,
        }
    }
}

impl<S: ServerHandler> InProcess<S> {
    /// Serves a server of one's own.
    pub async fn serve_handler(server: S, gate: Gate, home: tempfile::TempDir) -> Self {
        let (server_side, client_side) = tokio::io::duplex(1 << 16);
        let (server, client) = tokio::join!(server.serve(server_side), ().serve(client_side));
        Self {
            client: client.unwrap(),
            gate,
            server: server.unwrap(),
            home,
        }
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &'static str, arguments: Value) -> CallToolResult {
        self.try_call(tool, arguments).await.unwrap()
    }

    /// Calls a tool that may end in an error of the protocol.
    pub async fn try_call(
        &self,
        tool: &'static str,
        arguments: Value,
    ) -> Result<CallToolResult, rmcp::service::ServiceError> {
        let Value::Object(arguments) = arguments else {
            panic!("not an object")
        };
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        self.client.call_tool(request).await
    }

    /// A tool of the listing.
    pub async fn tool(&self, name: &str) -> Tool {
        let tools = self.client.list_all_tools().await.unwrap();
        tools.into_iter().find(|tool| tool.name == name).unwrap()
    }

    /// The bodies of the audit records of this kind.
    pub async fn records(&self, kind: &str) -> Vec<Value> {
        self.gate.ledger().verify().await.unwrap();
        let records = self.gate.ledger().records(0, 1000).await.unwrap();
        records
            .into_iter()
            .filter(|record| record.kind == kind)
            .map(|record| record.body)
            .collect()
    }
}

/// The first text block of a result.
pub fn text(result: &CallToolResult) -> &str {
    &result.content[0].as_text().unwrap().text
}

/// The decision of a result.
pub fn decision(result: &CallToolResult) -> &Value {
    &result.meta.as_ref().unwrap().0["io.aport/decision"]
}

/// The codes of its reasons.
pub fn codes(result: &CallToolResult) -> Vec<&str> {
    let reasons = decision(result)["reasons"].as_array();
    reasons
        .into_iter()
        .flatten()
        .map(|reason| reason["code"].as_str().unwrap())
        .collect()
}
