//! Gated methods of an rmcp server that exists already.

use std::sync::atomic::{AtomicU32, Ordering};

use aport_gate::rmcp::handler::server::router::tool::ToolRouter;
use aport_gate::rmcp::handler::server::wrapper::Parameters;
use aport_gate::rmcp::model::RequestMetaObject;
use aport_gate::rmcp::service::RequestContext;
use aport_gate::rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use aport_gate::schemars::JsonSchema;
use aport_gate::serde::{Deserialize, Serialize};
use aport_gate::{
    Access, Error, Gate, HasGate, Json, Permit, PolicyFacts, inventory, policy_gated, rmcp,
    schemars, serde, with_gates,
};
use aport_gate_tests::in_process::{InProcess, TESTER, codes, decision, gate_with, text};
use serde_json::json;

struct Shop {
    gate: Gate,
    runs: AtomicU32,
    tool_router: ToolRouter<Self>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Deployment {
    /// Where to.
    target: String,
    replicas: u32,
    #[serde(default)]
    fails: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Receipt {
    target: String,
    agent: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Scaling {
    target: String,
    agent_id: String,
}

#[derive(PolicyFacts)]
struct Size {
    replicas: u32,
}

impl HasGate for Shop {
    fn gate(&self) -> &Gate {
        &self.gate
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Shop {}

impl Shop {
    async fn size(&self, scaling: &Scaling) -> Result<Size, std::fmt::Error> {
        match scaling.target.as_str() {
            "lost" => Err(std::fmt::Error),
            _ => Ok(Size { replicas: 7 }),
        }
    }
}

#[tool_router]
impl Shop {
    /// Deploy.
    #[policy_gated(pack_file = "policies/acme.deploy.v1.json")]
    #[tool(annotations(destructive_hint = true))]
    async fn deploy(
        &self,
        Parameters(Deployment {
            target,
            replicas,
            fails,
        }): Parameters<Deployment>,
        #[permit] permit: &Permit,
        context: RequestContext<RoleServer>,
        meta: RequestMetaObject,
    ) -> Result<Json<Receipt>, ErrorData> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        drop((context, meta));
        if let Some(problem) = fails {
            return Err(ErrorData::internal_error(problem, None));
        }
        let target = format!("{replicas} on {target}");
        Ok(Json(Receipt {
            target,
            agent: permit.agent_id().to_string(),
        }))
    }

    #[policy_gated(pack_file = "policies/acme.deploy.v1.json", facts = Self::size)]
    #[tool(name = "scale-up", description = "Scale.")]
    async fn scale(&self, scaling: Parameters<Scaling>) -> String {
        self.runs.fetch_add(1, Ordering::SeqCst);
        scaling.0.target + &scaling.0.agent_id
    }

    #[policy_gated(
        pack_file = "policies/acme.deploy.v1.json",
        context(target = "staging", replicas = 1),
        on_error = "release"
    )]
    #[tool]
    async fn restart(&self) {
        self.runs.fetch_add(1, Ordering::SeqCst);
    }
}

#[tool_router(router = old_router)]
impl Shop {
    #[policy_gated(
        pack_file = "policies/acme.deploy.v1.json",
        context(target = "staging", replicas = 9)
    )]
    #[tool(name = "restart")]
    async fn restart_all(&self) {
        self.runs.fetch_add(1, Ordering::SeqCst);
    }
}

#[tool_router(router = open_router)]
impl Shop {
    #[tool]
    async fn open(&self) -> String {
        "open".to_owned()
    }
}

async fn gate() -> (Gate, tempfile::TempDir) {
    let limits = json!({"targets": ["staging", "lost"], "max_replicas": 3});
    gate_with("acme.deploy", limits, |builder| builder).await
}

async fn shop(describe: bool) -> InProcess<Shop> {
    let (gate, home) = gate().await;
    let mut tool_router = Shop::tool_router();
    if describe {
        tool_router = gate.describe(tool_router).unwrap();
    }
    let shop = Shop {
        gate: gate.clone(),
        runs: AtomicU32::new(0),
        tool_router,
    };
    InProcess::serve_handler(shop, gate, home).await
}

#[tokio::test]
async fn a_method_runs_after_an_allow_decision_and_not_otherwise() {
    for described in [true, false] {
        let shop = shop(described).await;
        let allowed = shop
            .call("deploy", json!({"target": "staging", "replicas": 3}))
            .await;
        assert_eq!(
            allowed.structured_content,
            Some(json!({"target": "3 on staging", "agent": TESTER}))
        );
        assert_eq!(decision(&allowed)["allow"], true);
        let denied = shop
            .call("deploy", json!({"target": "staging", "replicas": 4}))
            .await;
        assert_eq!(codes(&denied), ["oap.limit_exceeded"]);
        let refused = shop.call("deploy", json!({"target": "staging"})).await;
        assert_eq!(codes(&refused), ["gate.invalid_arguments"]);
        let restarted = shop.call("restart", json!({})).await;
        assert_eq!(restarted.is_error, Some(false));
        let unknown = shop.call("restart", json!({"target": "production"})).await;
        assert_eq!(codes(&unknown), ["gate.invalid_arguments"]);
        assert_eq!(shop.server.service().runs.load(Ordering::SeqCst), 2);
        assert_eq!(shop.records("decision").await.len(), 3);
    }
}

#[tokio::test]
async fn a_methods_facts_come_before_its_decision() {
    let shop = shop(true).await;
    let denied = shop.call("scale-up", json!({"target": "staging"})).await;
    assert_eq!(codes(&denied), ["oap.limit_exceeded"]);
    let refused = shop.call("scale-up", json!({"target": "lost"})).await;
    assert_eq!(codes(&refused), ["gate.facts_unavailable"]);
    assert_eq!(shop.server.service().runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_error_of_the_protocol_stays_one_and_carries_the_decision() {
    let shop = shop(true).await;
    let call = json!({"target": "staging", "replicas": 1, "fails": "no disk"});
    let error = shop.try_call("deploy", call).await.unwrap_err();
    let rmcp::service::ServiceError::McpError(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.message, "no disk");
    assert_eq!(error.data.unwrap()["io.aport/decision"]["allow"], true);
    assert_eq!(shop.records("outcome").await[0]["outcome"], "error");
}

#[tokio::test]
async fn the_listing_of_a_method_keeps_its_schemas_and_names_its_pack() {
    let shop = shop(true).await;
    let deploy = shop.tool("deploy").await;
    assert_eq!(deploy.description.as_deref(), Some("Deploy."));
    assert_eq!(deploy.annotations.unwrap().destructive_hint, Some(true));
    assert!(deploy.output_schema.unwrap()["properties"]["target"].is_object());
    assert_eq!(
        deploy.input_schema["properties"]["target"]["description"],
        "Where to."
    );
    assert_eq!(
        deploy.input_schema["required"],
        json!(["target", "replicas"])
    );
    assert_eq!(
        deploy.meta.unwrap().0["io.aport/policy"]["pack"],
        "acme.deploy.v1"
    );
    let restart = shop.tool("restart").await;
    let mapped = &restart.meta.unwrap().0["io.aport/policy"]["mapped"];
    assert_eq!(*mapped, json!(["target", "replicas"]));
}

#[tokio::test]
async fn a_start_up_check_knows_gated_methods_from_others() {
    let (gate, _home) = gate().await;
    let error = gate
        .describe(Shop::tool_router() + Shop::open_router())
        .unwrap_err();
    assert!(
        matches!(&error, Error::UngatedTool { tool, claims: false } if tool == "open"),
        "{error}"
    );
    let tools = inventory(&with_gates(Shop::tool_router() + Shop::open_router())).tools;
    let gated: Vec<_> = tools
        .iter()
        .map(|tool| (tool.name.as_str(), tool.access))
        .collect();
    assert_eq!(
        gated,
        [
            ("deploy", Access::Gated),
            ("open", Access::Ungated),
            ("restart", Access::Gated),
            ("scale-up", Access::Gated),
        ]
    );
}

#[tokio::test]
async fn a_listing_put_on_another_handler_gets_the_gate_all_the_same() {
    let (gate, home) = gate().await;
    let mut router = Shop::open_router();
    let meta = Shop::restart_tool_attr().meta;
    let mut open = router.map.remove("open").unwrap();
    open.attr.name = "restart".into();
    open.attr.meta = meta;
    router.map.insert("restart".into(), open);
    let tool_router = gate.describe(router).unwrap();
    let shop = Shop {
        gate: gate.clone(),
        runs: AtomicU32::new(0),
        tool_router,
    };
    let shop = InProcess::serve_handler(shop, gate, home).await;
    let result = shop.call("restart", json!({})).await;
    assert_ne!(result.content.first().map(|_| text(&result)), Some("open"));
    assert_eq!(shop.server.service().runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_method_whose_handler_was_swapped_is_not_gated_until_its_gate_is_put_back() {
    let mut router = Shop::tool_router();
    let open = Shop::open_router().map.remove("open").unwrap();
    router.map.get_mut("restart").unwrap().call = open.call;
    let (gate, home) = gate().await;
    let access = |inventory: aport_gate::Inventory| {
        let restart = inventory
            .tools
            .into_iter()
            .find(|tool| tool.name == "restart");
        restart.unwrap().access
    };
    assert_eq!(access(inventory(&router)), Access::Ungated);
    assert_eq!(access(gate.inventory(&router)), Access::Ungated);
    let tool_router = with_gates(router);
    assert_eq!(access(inventory(&tool_router)), Access::Gated);
    let shop = Shop {
        gate: gate.clone(),
        runs: AtomicU32::new(0),
        tool_router,
    };
    let shop = InProcess::serve_handler(shop, gate, home).await;
    let result = shop.call("restart", json!({})).await;
    assert_eq!(decision(&result)["allow"], true);
    assert_eq!(shop.server.service().runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn two_routers_may_each_have_a_method_of_one_tool_name() {
    // Both are written down.
    let (_, _) = (Shop::tool_router(), Shop::old_router());
    let (gate, home) = gate().await;
    assert!(gate.describe(Shop::tool_router()).is_ok());
    let tool_router = gate.describe(Shop::old_router()).unwrap();
    let policy = &tool_router.get("restart").unwrap().meta.as_ref().unwrap().0["io.aport/policy"];
    assert!(policy.get("method").is_none(), "{policy}");
    let shop = Shop {
        gate: gate.clone(),
        runs: AtomicU32::new(0),
        tool_router,
    };
    let shop = InProcess::serve_handler(shop, gate, home).await;
    let denied = shop.call("restart", json!({})).await;
    assert_eq!(
        codes(&denied),
        ["oap.limit_exceeded"],
        "9 replicas are over the limit"
    );
}
