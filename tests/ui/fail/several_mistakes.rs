use aport_gate::policy_gated;

#[policy_gated(title = 5, nmae = "refund")]
async fn process_refund(order_id: &str, agent_id: String) {}

fn main() {}
