use aport_gate::policy_gated;

#[policy_gated(pack = "Refund")]
async fn process_refund(order_id: String) -> String {
    order_id
}

fn main() {}
