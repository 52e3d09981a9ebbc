use aport_gate::policy_gated;

struct Desk;

#[policy_gated(pack = "acme.pay.v1", unchecked)]
async fn pay(#[service] #[redact] desk: &Desk) {
    let _ = desk;
}

fn main() {}
