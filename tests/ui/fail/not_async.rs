use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1")]
fn process_refund(order_id: String) -> String {
    order_id
}

fn main() {
    // One mistake, one message: the name still stands for a route.
    let _ = process_refund::<()>;
}
