use aport_gate::{PolicyFacts, policy_gated};

#[derive(PolicyFacts)]
struct PullRequest {
    size_kb: u64,
}

async fn pull_request(_repository: &str) -> PullRequest {
    PullRequest { size_kb: 1 }
}

#[policy_gated(pack = "code.repository.merge.v1", facts = pull_request)]
async fn merge(repository: String) -> String {
    repository
}

fn main() {}
