#![deny(warnings)]
#![no_implicit_prelude]

use ::aport_gate::policy_gated;
use ::std::option::Option;
use ::std::string::String;

pub struct Desk;

#[policy_gated(pack = "finance.payment.refund.v1", unchecked, context(order = order_id))]
pub async fn process_refund(
    #[service] _: &Desk,
    #[permit] _permit: &::aport_gate::Permit,
    /// Order to refund.
    #[schemars(length(min = 1))]
    order_id: String,
    note: Option<String>,
    #[arg(default = "customer_request")] reason_code: String,
    #[arg(default)] amount: u64,
) -> String {
    let _ = (note, reason_code, amount);
    order_id
}

fn main() {}
