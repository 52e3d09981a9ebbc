use aport_gate::policy_gated;
use aport_gate::rmcp::{self, tool, tool_router};

struct Shop;

#[tool_router]
impl Shop {
    #[policy_gated(pack = "acme.close.v1", unchecked)]
    #[tool]
    async fn close(&self, #[service] desk: &Shop) -> String {
        "closed".to_owned()
    }
}

fn main() {}
