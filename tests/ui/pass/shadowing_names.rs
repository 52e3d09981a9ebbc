#![deny(warnings)]

use aport_gate::policy_gated;

pub struct S;

/// Parameters may be called like anything in the generated code, and like the function.
#[policy_gated(pack = "finance.payment.refund.v1", unchecked, context(kind = r#type, both = (context, service)))]
pub async fn process(
    #[service] this: &S,
    context: String,
    service: String,
    permit: String,
    arguments: String,
    output: String,
    execution: String,
    process: String,
    r#type: String,
) -> String {
    let S = this;
    [context, service, permit, arguments, output, execution, process, r#type].concat()
}

fn main() {}
