use aport_gate::policy_gated;

#[policy_gated(
    pack = "finance.payment.refund.v1",
    context(region = "US", reason_code = "fraud", currency = "USD", customer_id = "C")
)]
async fn refund(order_id: String, #[redact] amount: u64, #[redact] idempotency_key: String) -> String {
    order_id + &idempotency_key + &amount.to_string()
}

fn main() {}
