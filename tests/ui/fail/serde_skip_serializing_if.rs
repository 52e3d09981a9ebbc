use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1")]
async fn process_refund(#[serde(skip_serializing_if = "Option::is_none")] note: Option<String>) {}

fn main() {}
