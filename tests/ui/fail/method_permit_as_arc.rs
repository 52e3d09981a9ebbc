use aport_gate::rmcp::{self, tool, tool_router};
use aport_gate::{Gate, HasGate, Permit, policy_gated};

struct Shop;

impl HasGate for Shop {
    fn gate(&self) -> &Gate {
        unreachable!()
    }
}

#[tool_router]
impl Shop {
    #[policy_gated(pack = "acme.close.v1", unchecked)]
    #[tool]
    async fn close(&self, #[permit] permit: &std::sync::Arc<Permit>) -> String {
        permit.decision_id().to_owned()
    }
}

fn main() {}
