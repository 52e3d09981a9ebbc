//! The refund tool of the example server without a payment desk behind it: what is measured is the server.

use aport_gate::{Gate, Permit, Server, policy_gated};

/// Refund an order.
#[policy_gated(pack = "finance.payment.refund.v1")]
#[expect(clippy::too_many_arguments, reason = "what the pack asks for")]
async fn process_refund(
    #[permit] permit: &Permit,
    order_id: String,
    customer_id: String,
    amount: u64,
    currency: String,
    region: String,
    reason_code: String,
    idempotency_key: String,
) -> String {
    let _ = (
        customer_id,
        amount,
        currency,
        region,
        reason_code,
        idempotency_key,
    );
    let decision = permit.decision_id();
    format!("Refund processed: {order_id}\nDecision ID: {decision}")
}

#[tokio::main]
async fn main() -> aport_gate::Result<()> {
    Server::new(Gate::from_env().await?, ())
        .with_route(process_refund)
        .serve_stdio()
        .await
}
