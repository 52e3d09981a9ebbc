use aport_gate::policy_gated;

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge", branch = base))]
async fn merge_pull_request(repository: String, pr_number: u64, base: Option<String>) -> String {
    format!("{repository} {base:?} {pr_number}")
}

fn main() {}
