use aport_gate::policy_gated;

struct RefundDesk;

#[policy_gated(pack = "finance.payment.refund.v1")]
async fn process_refund(#[service] #[service] desk: &RefundDesk) {}

fn main() {}
