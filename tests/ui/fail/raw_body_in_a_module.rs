mod refunds {
    use aport_gate::policy_gated;

    #[policy_gated(pack = "finance.payment.refund.v1", unchecked)]
    pub async fn process_refund(order_id: String) -> String {
        order_id
    }
}

use refunds::process_refund::process_refund as raw;

fn main() {}
