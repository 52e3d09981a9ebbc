#![deny(warnings)]

use aport_gate::{Json, Permit, policy_gated};

pub struct RefundDesk;

/// Refund an order.
///
/// At most once.
#[policy_gated(
    pack = "finance.payment.refund.v1",
    unchecked,
    name = "process-refund",
    title = "Refund",
    description = "Refund an order.",
    annotations(
        title = "Refund",
        read_only_hint = false,
        destructive_hint = true,
        idempotent_hint = true,
        open_world_hint = false,
    ),
    context(action = "refund", order = order_id, large = *amount > 10_000),
    crate = ::aport_gate,
)]
pub async fn process_refund(
    #[service] desk: &RefundDesk,
    #[permit] permit: &Permit,
    /// Order to refund.
    order_id: String,
    /// Amount in minor units (cents).
    #[schemars(range(min = 1))]
    amount: u64,
    #[arg(default = "customer_request")] mut reason_code: String,
    #[arg(default)] copies: Vec<String>,
    #[arg(default = 3)] attempts: u8,
    #[serde(rename = "ref", alias = "reference")] reference: String,
    note: Option<String>,
) -> Json<u64> {
    let (_, _) = (desk, permit);
    reason_code.push_str(&order_id);
    drop((copies, attempts, reference, note));
    Json(amount)
}

fn main() {}
