use aport_gate::policy_gated;

#[policy_gated(pack = "acme.door.v1", unchecked)]
async fn open(#[cfg_attr(all(), serde(skip_serializing))] level: u64) -> String {
    level.to_string()
}

fn main() {}
