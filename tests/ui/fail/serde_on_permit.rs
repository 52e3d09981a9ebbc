use aport_gate::{Permit, policy_gated};

#[policy_gated(pack = "finance.payment.refund.v1")]
async fn process_refund(#[permit] #[serde(default)] permit: &Permit) {}

fn main() {}
