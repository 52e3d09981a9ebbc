use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1")]
async fn process_refund(
    order_id: String,
    amount: u64,
    currency: String,
    region: String,
    reason_code: String,
    idempotency_key: String,
) -> String {
    format!("{order_id} {amount} {currency} {region} {reason_code} {idempotency_key}")
}

fn main() {}
