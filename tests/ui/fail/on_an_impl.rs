use aport_gate::policy_gated;

struct RefundDesk;

#[policy_gated(pack = "finance.payment.refund.v1")]
impl RefundDesk {}

fn main() {}
