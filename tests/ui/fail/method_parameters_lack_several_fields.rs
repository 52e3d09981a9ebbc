use aport_gate::rmcp::handler::server::wrapper::Parameters;
use aport_gate::rmcp::{self, tool, tool_router};
use aport_gate::schemars::{self, JsonSchema};
use aport_gate::serde::{self, Deserialize, Serialize};
use aport_gate::{Gate, HasGate, policy_gated};

struct Shop;

impl HasGate for Shop {
    fn gate(&self) -> &Gate {
        unreachable!()
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Merge {
    repository: String,
}

#[tool_router]
impl Shop {
    #[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"))]
    #[tool]
    async fn merge(&self, merge: Parameters<Merge>) -> String {
        merge.0.repository
    }
}

fn main() {}
