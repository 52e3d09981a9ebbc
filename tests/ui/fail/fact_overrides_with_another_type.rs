use aport_gate::{PolicyFacts, policy_gated};

#[derive(PolicyFacts)]
struct PullRequest {
    branch: String,
    #[serde(rename = "pr_number")]
    number: String,
    lines_added: Option<u64>,
}

async fn pull_request(_repository: &str, _pr_number: &u64) -> PullRequest {
    PullRequest { branch: String::new(), number: String::new(), lines_added: None }
}

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"), facts = pull_request)]
async fn merge(repository: String, pr_number: u64) -> String {
    format!("{repository} {pr_number}")
}

fn main() {}
