use aport_gate::policy_gated;

type Maybe = Option<String>;

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"))]
async fn merge_pull_request(repository: String, branch: Maybe, pr_number: u64) -> String {
    format!("{repository} {branch:?} {pr_number}")
}

fn main() {}
