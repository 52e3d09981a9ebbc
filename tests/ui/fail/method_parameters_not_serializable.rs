use aport_gate::rmcp::handler::server::wrapper::Parameters;
use aport_gate::rmcp::{self, tool, tool_router};
use aport_gate::schemars::{self, JsonSchema};
use aport_gate::serde::{self, Deserialize};
use aport_gate::{Gate, HasGate, policy_gated};

struct Shop;

impl HasGate for Shop {
    fn gate(&self) -> &Gate {
        unreachable!()
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "serde")]
#[schemars(crate = "schemars")]
struct Close {
    door: String,
}

#[tool_router]
impl Shop {
    #[policy_gated(pack = "acme.close.v1", unchecked)]
    #[tool]
    async fn close(&self, close: Parameters<Close>) -> String {
        close.0.door
    }
}

fn main() {}
