use aport_gate::{Gate, HasGate, policy_gated};

struct RefundDesk;
struct Shop;

impl HasGate for Shop {
    fn gate(&self) -> &Gate {
        unreachable!()
    }
}

#[policy_gated(pack = "finance.payment.refund.v1", unchecked)]
async fn process_refund(#[service] desk: &RefundDesk) {
    let _ = desk;
}

fn main() {
    let _ = process_refund::<Shop>();
}
