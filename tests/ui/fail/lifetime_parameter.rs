use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1")]
async fn process_refund<'a>(order_id: &'a str) {
    let _ = order_id;
}

fn main() {}
