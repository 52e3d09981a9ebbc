use aport_gate::{PolicyFacts, policy_gated};

#[derive(PolicyFacts)]
struct PullRequest {
    branch: Option<String>,
}

async fn pull_request(_repository: &str, _pr_number: &u64) -> PullRequest {
    PullRequest { branch: None }
}

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"), facts = pull_request)]
async fn merge(repository: String, pr_number: u64) -> String {
    format!("{repository} {pr_number}")
}

fn main() {}
