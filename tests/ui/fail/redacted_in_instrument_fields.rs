use aport_gate::policy_gated;

#[policy_gated(pack = "acme.door.v1", unchecked)]
#[tracing::instrument(skip_all, fields(tried = %code))]
async fn open(door: String, #[redact] code: String) -> String {
    door + &code
}

fn main() {}
