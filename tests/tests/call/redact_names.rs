//! `redact(…)` on a method where JSON knows an argument by another name than Rust.

use aport_gate::rmcp::handler::server::router::tool::ToolRouter;
use aport_gate::rmcp::handler::server::wrapper::Parameters;
use aport_gate::rmcp::{self, ServerHandler, tool, tool_handler, tool_router};
use aport_gate::schemars::JsonSchema;
use aport_gate::serde::{Deserialize, Serialize};
use aport_gate::{Gate, HasGate, PolicyFacts, policy_gated, schemars, serde};
use aport_gate_tests::in_process::{InProcess, codes, gate_with, text};
use serde_json::json;

use crate::secret::{SECRET, assert_unsaid, limits, log_everything};

const PACK: &str = include_str!("../../policies/acme.vault.v1.json");

struct Building {
    gate: Gate,
    tool_router: ToolRouter<Self>,
}

impl HasGate for Building {
    fn gate(&self) -> &Gate {
        &self.gate
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Building {}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
struct Camel {
    door: String,
    pin_code: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Renamed {
    door: String,
    #[serde(rename = "code")]
    pin: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Aliased {
    door: String,
    #[serde(alias = "pin")]
    code: u32,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Named {
    door: String,
    policy_id: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Open {
    door: String,
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

#[derive(PolicyFacts)]
struct Badge {
    holder: String,
}

impl Building {
    async fn badge(&self, _: &Renamed) -> Badge {
        Badge {
            holder: "ann".to_owned(),
        }
    }
}

#[tool_router(router = camel)]
impl Building {
    #[policy_gated(pack = "acme.vault.v1", unchecked, redact(pinCode))]
    #[tool]
    async fn camel_in_json(&self, Parameters(camel): Parameters<Camel>) -> String {
        format!("{} {}", camel.door, camel.pin_code.len())
    }
}

#[tool_router(router = snake)]
impl Building {
    #[policy_gated(pack = "acme.vault.v1", unchecked, redact(pin_code))]
    #[tool]
    async fn camel_in_rust(&self, Parameters(camel): Parameters<Camel>) -> String {
        camel.door + &camel.pin_code
    }
}

#[tool_router(router = misspelt)]
impl Building {
    #[policy_gated(pack = "acme.vault.v1", unchecked, redact(pinCdoe))]
    #[tool]
    async fn camel_misspelt(&self, Parameters(camel): Parameters<Camel>) -> String {
        camel.door + &camel.pin_code
    }
}

#[tool_router(router = renamed)]
impl Building {
    #[policy_gated(pack = "acme.vault.v1", unchecked, redact(pin))]
    #[tool]
    async fn renamed_field(&self, Parameters(renamed): Parameters<Renamed>) -> String {
        renamed.door + &renamed.pin
    }
}

#[tool_router(router = with_facts)]
impl Building {
    #[policy_gated(pack = "acme.vault.v1", unchecked, redact(pin), facts = Self::badge)]
    #[tool]
    async fn renamed_with_facts(&self, Parameters(renamed): Parameters<Renamed>) -> String {
        renamed.door + &renamed.pin
    }
}

#[tool_router(router = aliased)]
impl Building {
    #[policy_gated(pack = "acme.vault.v1", unchecked, redact(code))]
    #[tool]
    async fn aliased_field(&self, Parameters(aliased): Parameters<Aliased>) -> String {
        format!("{} {}", aliased.door, aliased.code)
    }
}

#[tool_router(router = named)]
impl Building {
    #[policy_gated(pack = "acme.vault.v1", unchecked)]
    #[tool]
    async fn names_a_policy(&self, Parameters(named): Parameters<Named>) -> String {
        named.door + &named.policy_id
    }
}

#[tool_router(router = open)]
impl Building {
    #[policy_gated(pack = "acme.vault.v1", unchecked)]
    #[tool]
    async fn takes_any(&self, Parameters(open): Parameters<Open>) -> String {
        format!("{} {:?}", open.door, open.others)
    }
}

async fn gate() -> (Gate, tempfile::TempDir) {
    log_everything();
    gate_with("acme.vault", limits(), |builder| builder.pack(PACK)).await
}

async fn served(router: ToolRouter<Building>) -> InProcess<Building> {
    let (gate, home) = gate().await;
    let building = Building {
        gate: gate.clone(),
        tool_router: gate.describe(router).unwrap(),
    };
    InProcess::serve_handler(building, gate, home).await
}

#[tokio::test]
async fn a_name_that_json_does_not_have_stops_the_server() {
    let (gate, _home) = gate().await;
    for (router, name) in [
        (Building::snake(), "pin_code"),
        (Building::misspelt(), "pinCdoe"),
        (Building::renamed(), "pin"),
    ] {
        let refused = gate.describe(router).unwrap_err().to_string();
        assert!(
            refused.contains(&format!(
                "`{name}` is redacted, but no argument has that name in JSON"
            )),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn the_name_in_json_redacts() {
    let served = served(Building::camel()).await;
    let call = json!({"door": "main", "pinCode": [SECRET]});
    let refused = served.call("camel_in_json", call).await;
    assert_eq!(codes(&refused), ["gate.invalid_arguments"]);
    let call = json!({"door": "main", "pinCode": SECRET});
    let denied = served.call("camel_in_json", call).await;
    assert_unsaid(&served, &[refused, denied]).await;
}

#[tokio::test]
async fn a_name_that_neither_arguments_nor_facts_have_refuses_the_call() {
    let served = served(Building::with_facts()).await;
    let call = json!({"door": "main", "code": SECRET});
    let refused = served.call("renamed_with_facts", call).await;
    assert_eq!(codes(&refused), ["gate.invalid_context"]);
    assert!(text(&refused).contains("redacts `pin`"), "{refused:?}");
}

#[tokio::test]
async fn an_alias_of_a_redacted_argument_does_not_tell_it() {
    let served = served(Building::aliased()).await;
    let denied = served
        .call("aliased_field", json!({"door": "main", "code": 7}))
        .await;
    let told = served
        .call("aliased_field", json!({"door": "main", "pin": SECRET}))
        .await;
    assert_eq!(codes(&told), ["gate.invalid_arguments"]);
    assert!(text(&told).contains("`pin`: it cannot be read"), "{told:?}");
    assert_unsaid(&served, &[denied, told]).await;
    // What is not redacted is told as ever.
    let door = served
        .call("aliased_field", json!({"door": 7, "code": 7}))
        .await;
    assert!(text(&door).contains("invalid type"), "{door:?}");
}

#[tokio::test]
async fn an_argument_does_not_say_which_policy_it_is() {
    let (gate, _home) = gate().await;
    let refused = gate.describe(Building::named()).unwrap_err().to_string();
    assert!(
        refused.contains("`policy_id` is supplied by the gate"),
        "{refused}"
    );
    let served = served(Building::open()).await;
    let call = json!({"door": "main", "policy_id": "acme.other.v1"});
    let refused = served.call("takes_any", call).await;
    assert_eq!(codes(&refused), ["gate.invalid_context"]);
    assert!(text(&refused).contains("`policy_id`"), "{refused:?}");
}
