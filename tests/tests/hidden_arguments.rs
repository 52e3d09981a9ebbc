//! What a body sees, the policy sees: arguments of the author's own type, and fields beside them.

use std::sync::atomic::{AtomicU32, Ordering};

use aport_gate::rmcp::handler::server::router::tool::ToolRouter;
use aport_gate::rmcp::handler::server::wrapper::Parameters;
use aport_gate::rmcp::{ServerHandler, tool, tool_handler, tool_router};
use aport_gate::schemars::JsonSchema;
use aport_gate::serde::{Deserialize, Serialize};
use aport_gate::{Gate, HasGate, policy_gated, rmcp, schemars, serde};
use aport_gate_tests::in_process::{InProcess, codes, gate_with, text};
use serde_json::json;

struct Shop {
    gate: Gate,
    runs: AtomicU32,
    tool_router: ToolRouter<Self>,
}

impl HasGate for Shop {
    fn gate(&self) -> &Gate {
        &self.gate
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Shop {}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Hiding {
    target: String,
    #[serde(default, skip_serializing)]
    replicas: u32,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Plain {
    target: String,
    replicas: u32,
}

#[tool_router]
impl Shop {
    #[policy_gated(pack_file = "policies/acme.deploy.v1.json", context(replicas = 1))]
    #[tool]
    async fn hides(&self, Parameters(hiding): Parameters<Hiding>) -> String {
        self.runs.fetch_add(1, Ordering::SeqCst);
        format!("{} of {}", hiding.replicas, hiding.target)
    }

    #[policy_gated(
        pack_file = "policies/acme.deploy.v1.json",
        context(target = "staging")
    )]
    #[tool]
    async fn covers(&self, Parameters(plain): Parameters<Plain>) -> String {
        self.runs.fetch_add(1, Ordering::SeqCst);
        format!("{} of {}", plain.replicas, plain.target)
    }
}

async fn shop() -> InProcess<Shop> {
    let limits = json!({"targets": ["staging"], "max_replicas": 3});
    let (gate, home) = gate_with("acme.deploy", limits, |builder| builder).await;
    let shop = Shop {
        gate: gate.clone(),
        runs: AtomicU32::new(0),
        tool_router: gate.describe(Shop::tool_router()).unwrap(),
    };
    InProcess::serve_handler(shop, gate, home).await
}

#[tokio::test]
async fn an_argument_that_its_type_does_not_write_is_refused() {
    let shop = shop().await;
    for arguments in [
        json!({"target": "staging", "replicas": 999}),
        // Unknown to the type, which drops it.
        json!({"target": "staging", "replica": 1}),
    ] {
        let refused = shop.call("hides", arguments).await;
        assert_eq!(codes(&refused), ["gate.invalid_context"]);
        assert!(text(&refused).contains("`replica"), "{}", text(&refused));
    }
    let allowed = shop.call("hides", json!({"target": "staging"})).await;
    assert_eq!(text(&allowed), "0 of staging");
}

#[tokio::test]
async fn a_context_field_does_not_cover_an_argument_of_another_value() {
    let shop = shop().await;
    let production = json!({"target": "production", "replicas": 1});
    let refused = shop.call("covers", production).await;
    assert_eq!(codes(&refused), ["gate.invalid_context"]);
    assert!(text(&refused).contains("`target`"), "{}", text(&refused));
    let staging = json!({"target": "staging", "replicas": 1});
    assert_eq!(text(&shop.call("covers", staging).await), "1 of staging");
}
