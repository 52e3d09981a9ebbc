use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1")]
const fn process_refund() {}

fn main() {}
