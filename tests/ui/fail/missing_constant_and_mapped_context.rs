use aport_gate::policy_gated;

#[policy_gated(pack = "code.repository.merge.v1")]
async fn merge_pull_request(repository: String, base_branch: String) -> String {
    repository + &base_branch
}

fn main() {}
