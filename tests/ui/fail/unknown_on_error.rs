use aport_gate::policy_gated;

#[policy_gated(pack = "acme.merge.v1", unchecked, on_error = "commit")]
async fn merge(repository: String) -> String {
    repository
}

fn main() {}
