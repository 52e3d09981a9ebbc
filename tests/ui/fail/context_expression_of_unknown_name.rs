use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1", unchecked, context(order = ordre_id))]
async fn process_refund(order_id: String) -> String {
    order_id
}

fn main() {}
