use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payments.refund.v1")]
async fn process_refund(order_id: String) -> String {
    order_id
}

fn main() {}
