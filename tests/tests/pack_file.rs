//! A pack in a file of the crate: what was checked when it compiled is what the gate enforces.

use aport_gate::rmcp::handler::server::router::tool::ToolRouter;
use aport_gate::rmcp::{ServerHandler, tool_handler};
use aport_gate::{Error, Gate, HasGate, Server, policy_gated, rmcp};
use aport_gate_tests::in_process::{InProcess, codes, gate_with, text};
use serde_json::{Value, json};

/// Deploy.
#[policy_gated(pack_file = "policies/acme.deploy.v1.json", context(replicas = *copies))]
async fn deploy(target: String, copies: u32) -> String {
    format!("{copies} on {target}")
}

const PACK: &str = include_str!("../policies/acme.deploy.v1.json");

fn limits() -> Value {
    json!({"targets": ["staging"], "max_replicas": 3})
}

fn weaker() -> String {
    PACK.replace(
        "context.replicas <= limits.max_replicas",
        "context.replicas > 0",
    )
}

#[tokio::test]
async fn the_pack_of_the_file_decides_without_being_installed() {
    let (gate, home) = gate_with("acme.deploy", limits(), |builder| builder).await;
    let server = Server::new(gate.clone(), ()).with_route(deploy);
    let served = InProcess::serve(server, gate, home).await;

    let allowed = served
        .call("deploy", json!({"target": "staging", "copies": 3}))
        .await;
    assert_eq!(text(&allowed), "3 on staging");
    let denied = served
        .call("deploy", json!({"target": "staging", "copies": 4}))
        .await;
    assert_eq!(codes(&denied), ["oap.limit_exceeded"]);

    let pack = aport_gate::oap::Pack::parse(PACK.as_bytes()).unwrap();
    let listed = served.tool("deploy").await;
    let policy = &listed.meta.unwrap().0["io.aport/policy"];
    assert_eq!(
        *policy,
        json!({
            "pack": "acme.deploy.v1", "digest": pack.digest(),
            "context": ["target", "replicas"], "mapped": ["replicas"],
        })
    );
}

#[tokio::test]
async fn the_same_pack_installed_as_well_is_no_conflict() {
    let reformatted = serde_json::from_str::<Value>(PACK).unwrap().to_string();
    let (gate, home) =
        gate_with("acme.deploy", limits(), |builder| builder.pack(reformatted)).await;
    let server = Server::new(gate.clone(), ()).with_route(deploy);
    let served = InProcess::serve(server, gate, home).await;
    let denied = served
        .call("deploy", json!({"target": "production", "copies": 1}))
        .await;
    assert_eq!(codes(&denied), ["oap.target_not_allowed"]);
}

#[tokio::test]
async fn another_pack_of_this_id_stops_the_server_from_starting() {
    let (gate, _home) = gate_with("acme.deploy", limits(), |builder| builder.pack(weaker())).await;
    let (server_side, _client_side) = tokio::io::duplex(64);
    let server = Server::new(gate, ()).with_route(deploy);
    let Err(error) = server.serve_transport(server_side).await else {
        panic!("it started")
    };
    assert!(
        matches!(&error, Error::PackMismatch { tool, .. } if tool == "deploy"),
        "{error}"
    );
}

struct Own {
    gate: Gate,
    tool_router: ToolRouter<Self>,
}

impl HasGate for Own {
    fn gate(&self) -> &Gate {
        &self.gate
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Own {}

#[tokio::test]
async fn another_pack_of_this_id_refuses_the_call_of_a_server_that_never_asked() {
    let (gate, home) = gate_with("acme.deploy", limits(), |builder| builder.pack(weaker())).await;
    let own = Own {
        gate: gate.clone(),
        tool_router: ToolRouter::new().with_route(deploy),
    };
    let served = InProcess::serve_handler(own, gate, home).await;
    let refused = served
        .call("deploy", json!({"target": "staging", "copies": 9}))
        .await;
    assert_eq!(codes(&refused), ["gate.pack_differs"]);
    assert!(
        text(&refused).ends_with("The tool was not run."),
        "{}",
        text(&refused)
    );
}

#[tokio::test]
async fn an_unchecked_tool_that_cannot_supply_its_pack_stops_the_server_from_starting() {
    #[policy_gated(pack = "acme.deploy.v1", unchecked)]
    async fn deploy(target: u8) -> String {
        target.to_string()
    }
    let (gate, _home) = gate_with("acme.deploy", limits(), |builder| builder.pack(PACK)).await;
    let (server_side, _client_side) = tokio::io::duplex(64);
    let server = Server::new(gate, ()).with_route(deploy);
    let Err(error) = server.serve_transport(server_side).await else {
        panic!("it started")
    };
    let told = error.to_string();
    assert!(
        told.contains("`replicas` is supplied by nothing")
            && told.contains("`target` has to be string"),
        "{told}"
    );
}
