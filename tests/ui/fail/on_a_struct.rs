use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1")]
struct RefundDesk;

fn main() {}
