use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1", context(order_id = "none"))]
async fn process_refund(order_id: String) -> String {
    order_id
}

fn main() {}
