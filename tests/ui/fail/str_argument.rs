use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1")]
async fn process_refund(order_id: &str) {}

fn main() {}
