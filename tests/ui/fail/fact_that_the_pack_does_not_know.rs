use aport_gate::{PolicyFacts, policy_gated};

#[derive(PolicyFacts)]
struct PullRequest {
    branch: String,
    size_kbb: u64,
    #[policy_facts(record_only)]
    commit: String,
}

async fn pull_request(_repository: &str, _pr_number: &u64) -> PullRequest {
    PullRequest { branch: String::new(), size_kbb: 1, commit: String::new() }
}

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"), facts = pull_request)]
async fn merge(repository: String, pr_number: u64) -> String {
    format!("{repository} {pr_number}")
}

fn main() {}
