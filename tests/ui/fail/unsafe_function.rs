use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1")]
async unsafe fn process_refund() {}

fn main() {}
