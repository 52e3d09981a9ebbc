use aport_gate::rmcp::{self, tool, tool_router};
use aport_gate::{Gate, HasGate, policy_gated};

struct Shop;

impl HasGate for Shop {
    fn gate(&self) -> &Gate {
        unreachable!()
    }
}

#[tool_router]
impl Shop {
    #[policy_gated(pack = "code.repository.merge.v1")]
    #[tool]
    async fn merge(&self) -> String {
        String::new()
    }
}

fn main() {}
