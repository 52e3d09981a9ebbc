//! Everything that can supply what a pack declares.
#![deny(warnings)]

use aport_gate::policy_gated;
use aport_gate::schemars::{self, JsonSchema};
use aport_gate::serde::{self, Deserialize, Serialize};

type Amount = u64;

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde", transparent)]
#[schemars(crate = "schemars")]
pub struct OrderId(String);

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "lowercase")]
#[schemars(crate = "schemars")]
pub enum Region {
    #[default]
    Us,
    Eu,
}

/// Refund an order.
#[policy_gated(pack = "finance.payment.refund.v1", context(reason_code = "customer_request"))]
pub async fn process_refund(
    order_id: OrderId,
    #[serde(rename = "customer_id")] customer: Box<str>,
    amount: Amount,
    #[arg(default = "USD")] currency: String,
    #[arg(default)] region: Region,
    idempotency_key: std::borrow::Cow<'static, str>,
    note: Option<String>,
) -> String {
    format!("{} {customer} {amount} {currency} {region:?} {idempotency_key} {note:?}", order_id.0)
}

/// Merge a pull request.
#[policy_gated(
    pack = "code.repository.merge.v1",
    context(action = "pr.merge", branch = target.as_deref().unwrap_or("main"), pr_number = u64::from(*number)),
)]
pub async fn merge(repository: String, target: Option<String>, number: u32, size_kb: Option<u16>) -> String {
    format!("{repository} {target:?} {number} {size_kb:?}")
}

/// Only a registry knows the pack.
#[policy_gated(pack = "acme.deploy.v1", unchecked)]
pub async fn deploy(target: Option<f64>) -> String {
    format!("{target:?}")
}

fn main() {}
