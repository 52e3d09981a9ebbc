use aport_gate::{PolicyFacts, policy_gated};

#[derive(PolicyFacts)]
struct PullRequest {
    size_kb: u64,
}

async fn pull_request(_repository: &str, _pr_number: &u64) -> PullRequest {
    PullRequest { size_kb: 1 }
}

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"), facts = pull_request)]
async fn merge(repository: String, pr_number: u64) -> String {
    format!("{repository} {pr_number}")
}

fn main() {}
