use std::rc::Rc;

use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1", unchecked)]
async fn process_refund() {
    let order = Rc::new(1);
    std::future::ready(()).await;
    drop(order);
}

fn main() {}
