use aport_gate::policy_gated;

#[policy_gated(pack = "finance.payment.refund.v1", unchecked)]
async fn process_refund(order_id: String) -> String {
    order_id
}

async fn bypass() {
    process_refund("ord_1".to_owned()).await;
}

fn main() {}
