use std::future::Future;
use std::pin::Pin;

use aport_gate::policy_gated;

struct RefundDesk;

impl RefundDesk {
    // What `#[tool]` makes of an `async fn`, when it comes first.
    #[policy_gated(pack = "finance.payment.refund.v1")]
    fn process_refund(&self) -> Pin<Box<dyn Future<Output = String> + Send + '_>> {
        Box::pin(async { String::new() })
    }
}

fn main() {}
