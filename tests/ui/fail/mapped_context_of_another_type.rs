use aport_gate::policy_gated;

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge", branch = number))]
async fn merge_pull_request(repository: String, pr_number: u64, number: u64) -> String {
    format!("{repository} {number} {pr_number}")
}

fn main() {}
