use aport_gate::policy_gated;

struct RefundDesk;

#[policy_gated(pack = "finance.payment.refund.v1", unchecked)]
async fn process_refund() -> RefundDesk {
    RefundDesk
}

fn main() {}
