use aport_gate::policy_gated;

struct RefundDesk;

impl RefundDesk {
    #[policy_gated(pack = "finance.payment.refund.v1")]
    async fn process_refund(&self, order_id: String) -> String {
        order_id
    }
}

fn main() {}
