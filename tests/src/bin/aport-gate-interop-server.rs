//! A gated server with what the example server has no use for, for clients that nobody here wrote:
//! a tool that declares an output schema.
#![allow(
    clippy::too_many_arguments,
    reason = "the arguments of the policy's context"
)]

use aport_gate::schemars::JsonSchema;
use aport_gate::serde::Serialize;
use aport_gate::{Gate, Json, Permit, Server, policy_gated};

/// What a strict client checks the result of a call against.
#[derive(Serialize, JsonSchema)]
#[serde(crate = "aport_gate::serde")]
#[schemars(crate = "aport_gate::schemars")]
struct Receipt {
    /// Amount in minor units.
    amount: u64,
    /// Decision that allowed it.
    decision_id: String,
}

/// Refund an order and give a receipt.
#[policy_gated(pack = "finance.payment.refund.v1")]
async fn refund_with_receipt(
    #[permit] permit: &Permit,
    order_id: String,
    customer_id: String,
    amount: u64,
    currency: String,
    region: String,
    #[arg(default = "customer_request")] reason_code: String,
    idempotency_key: String,
) -> Json<Receipt> {
    let _ = (
        order_id,
        customer_id,
        currency,
        region,
        reason_code,
        idempotency_key,
    );
    Json(Receipt {
        amount,
        decision_id: permit.decision_id().to_owned(),
    })
}

#[tokio::main]
async fn main() -> aport_gate::Result<()> {
    Server::new(Gate::from_env().await?, ())
        .named("aport-gate-interop-server", "1.0.0")
        .with_route(refund_with_receipt)
        .serve_stdio()
        .await
}
