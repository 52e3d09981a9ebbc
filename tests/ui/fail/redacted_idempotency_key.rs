use aport_gate::policy_gated;

#[policy_gated(
    pack = "finance.payment.refund.v1",
    context(region = "US", reason_code = "fraud", currency = "USD", amount = 1, customer_id = "C")
)]
async fn refund(order_id: String, #[redact] idempotency_key: String) -> String {
    order_id + &idempotency_key
}

fn main() {}
