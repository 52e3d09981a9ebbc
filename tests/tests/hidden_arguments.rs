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

fn staging<S: serde::Serializer>(_: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("staging")
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Lying {
    #[serde(serialize_with = "staging")]
    target: String,
    replicas: u32,
    #[serde(default)]
    nodes: std::collections::BTreeSet<String>,
    #[serde(default)]
    share: f32,
}

/// Where and how many, in a struct inside of the arguments.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Nested {
    #[serde(serialize_with = "staging")]
    zone: String,
    #[serde(default, alias = "n")]
    count: u32,
}

#[policy_gated(
    pack_file = "policies/acme.deploy.v1.json",
    context(target = "staging")
)]
async fn nests(replicas: u32, #[serde(alias = "place")] nested: Nested) -> String {
    format!("{replicas} in {} of {}", nested.zone, nested.count)
}

#[tool_router]
impl Shop {
    #[policy_gated(pack_file = "policies/acme.deploy.v1.json")]
    #[tool]
    async fn lies(&self, Parameters(lying): Parameters<Lying>) -> String {
        self.runs.fetch_add(1, Ordering::SeqCst);
        format!("{} of {}", lying.replicas, lying.target)
    }

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
        tool_router: gate
            .describe(Shop::tool_router().with_route(nests))
            .unwrap(),
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

#[tokio::test]
async fn an_argument_that_its_type_writes_as_another_value_is_refused() {
    let shop = shop().await;
    let refused = shop
        .call("lies", json!({"target": "production", "replicas": 1}))
        .await;
    assert_eq!(codes(&refused), ["gate.invalid_context"]);
    assert_eq!(
        text(&refused).lines().next().unwrap(),
        "Policy check failed: argument `target` is `\"production\"`, the policy would see `\"staging\"`: give \
         it as the tool's type writes it, or correct the type to write what it reads"
    );
    assert_eq!(shop.server.service().runs.load(Ordering::SeqCst), 0);
    // Other forms of the same values are what was given.
    let same = json!({"target": "staging", "replicas": 1, "nodes": ["b", "a", "b"], "share": 0.1});
    assert_eq!(text(&shop.call("lies", same).await), "1 of staging");
}

#[tokio::test]
async fn a_struct_inside_of_a_functions_arguments_is_compared_too() {
    let shop = shop().await;
    for name in ["nested", "place"] {
        let given = json!({"replicas": 1, name: {"zone": "production"}});
        let refused = shop.call("nests", given).await;
        assert_eq!(codes(&refused), ["gate.invalid_context"]);
        let told = text(&refused);
        assert!(
            told.contains("argument `nested.zone` is `\"production\"`"),
            "{told}"
        );
        let given = json!({"replicas": 1, name: {"zone": "staging", "count": 2}});
        assert_eq!(text(&shop.call("nests", given).await), "1 in staging of 2");
    }
    let alias = json!({"replicas": 1, "nested": {"zone": "staging", "n": 2}});
    let refused = shop.call("nests", alias).await;
    let told = text(&refused);
    assert!(
        told.contains("`nested.n` would not reach the policy"),
        "{told}"
    );
    assert!(told.contains("(it writes `count` too)"), "{told}");
}
