use aport_gate::{PolicyFacts, policy_gated};

#[derive(PolicyFacts)]
struct Badge {
    #[serde(rename = "holder")]
    pin: String,
}

async fn badge(_door: &str) -> Badge {
    Badge { pin: String::new() }
}

#[policy_gated(pack = "acme.door.v1", unchecked, facts = badge, redact(pin))]
async fn open(door: String) -> String {
    door
}

fn main() {}
