use aport_gate::policy_gated;

struct RefundDesk;

#[policy_gated(pack = "finance.payment.refund.v1", unchecked)]
async fn process_refund(#[permit] _permit: &RefundDesk) {}

fn main() {}
