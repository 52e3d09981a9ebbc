//! `redact(…)` on a method: fields of `Parameters<T>`, and what `context(…)` makes of them.

use aport_gate::rmcp::handler::server::router::tool::ToolRouter;
use aport_gate::rmcp::handler::server::wrapper::Parameters;
use aport_gate::rmcp::{self, ServerHandler, tool, tool_handler, tool_router};
use aport_gate::{Gate, HasGate, inventory, policy_gated, schemars, serde, with_gates};
use aport_gate_tests::in_process::{InProcess, codes, gate_with};
use serde_json::json;

use crate::secret::{SECRET, assert_unsaid, limits, log_everything};

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "aport_gate::serde")]
#[schemars(crate = "aport_gate::schemars")]
struct Entry {
    door: String,
    code: String,
    ticket: Option<String>,
}

struct Building {
    gate: Gate,
    tool_router: ToolRouter<Self>,
}

impl HasGate for Building {
    fn gate(&self) -> &Gate {
        &self.gate
    }
}

#[tool_router]
impl Building {
    /// Open a door.
    #[policy_gated(
        pack_file = "policies/acme.vault.v1.json",
        context(hint = entry.code.to_uppercase(), holder = entry.door.clone()),
        redact(code, ticket)
    )]
    #[tool]
    async fn open(&self, Parameters(entry): Parameters<Entry>) -> String {
        drop((entry.code, entry.ticket));
        entry.door
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Building {}

async fn served() -> InProcess<Building> {
    log_everything();
    let mut limits = limits();
    limits["holders"] = json!(["main"]);
    let (gate, home) = gate_with("acme.vault", limits, |builder| builder).await;
    let tool_router = gate.describe(Building::tool_router()).unwrap();
    let building = Building {
        gate: gate.clone(),
        tool_router,
    };
    InProcess::serve_handler(building, gate, home).await
}

#[tokio::test]
async fn a_redacted_field_of_a_method_and_what_is_made_of_it_are_in_nothing() {
    let served = served().await;
    // The hint is the code in capitals, which the pack does not know: a derived field in a reason.
    let mut answers = Vec::new();
    for (door, code) in [("main", SECRET), ("attic", SECRET), ("main", "zx9Q7")] {
        let call = json!({"door": door, "code": code, "ticket": SECRET});
        let denied = served.call("open", call).await;
        assert!(codes(&denied).contains(&"acme.hint"), "{denied:?}");
        let said = serde_json::to_string(&denied).unwrap();
        assert!(!said.contains("ZX9Q7"), "{said}");
        answers.push(denied);
    }
    let unreadable = json!({"door": "main", "code": {"zx9Q7": SECRET}});
    answers.push(served.call("open", unreadable).await);
    assert_unsaid(&served, &answers).await;
    for record in served.records("decision").await {
        assert!(!record.to_string().contains("ZX9Q7"), "{record}");
    }
}

#[tokio::test]
async fn the_inventory_tells_what_a_method_redacts() {
    let inventory = inventory(&with_gates(Building::tool_router()));
    let parameters = &inventory.tools[0].parameters;
    let redacted = parameters.iter().filter(|parameter| parameter.redacted);
    let names: Vec<_> = redacted.map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(names, ["code", "hint", "ticket"]);
}
