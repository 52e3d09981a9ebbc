use aport_gate::policy_gated;

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"))]
async fn merge_pull_request(repository: String, branch: Box<Option<String>>, pr_number: u64) -> String {
    format!("{repository} {branch:?} {pr_number}")
}

fn main() {}
