//! A tool that declares what its result looks like.

use aport_gate::schemars::JsonSchema;
use aport_gate::serde::Serialize;
use aport_gate::{Json, Permit, policy_gated};

use crate::Books;

/// What a strict client checks the result of a call against.
#[derive(Serialize, JsonSchema)]
#[serde(crate = "aport_gate::serde")]
#[schemars(crate = "aport_gate::schemars")]
pub(crate) struct Receipt {
    /// Amount in minor units.
    amount: u64,
    /// Decision that allowed it.
    decision_id: String,
}

/// Refund an order and give a receipt.
#[policy_gated(pack = "finance.payment.refund.v1")]
pub(crate) async fn refund_with_receipt(
    #[service] books: &Books,
    #[permit] permit: &Permit,
    order_id: String,
    customer_id: String,
    amount: u64,
    currency: String,
    region: String,
    #[arg(default = "customer_request")] reason_code: String,
    idempotency_key: String,
) -> Result<Json<Receipt>, std::io::Error> {
    let _ = (order_id, customer_id, currency);
    let _ = (region, reason_code, idempotency_key);
    books.enter(permit)?;
    Ok(Json(Receipt {
        amount,
        decision_id: permit.decision_id().to_owned(),
    }))
}
