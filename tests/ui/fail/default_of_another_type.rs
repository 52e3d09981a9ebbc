use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1", unchecked)]
async fn process_refund(#[arg(default = "many")] _amount: u64) {}

fn main() {}
