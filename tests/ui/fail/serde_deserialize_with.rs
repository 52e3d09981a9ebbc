use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1")]
async fn process_refund(#[serde(deserialize_with = "upper")] currency: String) {}

fn main() {}
