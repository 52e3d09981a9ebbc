use aport_gate::policy_gated;

#[policy_gated(pack = "acme.door.v1", unchecked, redact(cod))]
async fn open(door: String, code: String) -> String {
    door + &code
}

fn main() {}
