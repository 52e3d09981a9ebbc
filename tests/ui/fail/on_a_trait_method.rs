use aport_gate::policy_gated;

trait Desk {
    #[policy_gated(pack = "finance.payment.refund.v1")]
    async fn process_refund(order_id: String) -> String;
}

fn main() {}
