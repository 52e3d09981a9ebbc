use aport_gate::policy_gated;

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"))]
async fn merge_pull_request(repository: String, branch: String, pr_number: String) -> String {
    repository + &branch + &pr_number
}

fn main() {}
