use aport_gate::policy_gated;

struct PullRequest {
    branch: String,
}

async fn pull_request(_repository: &str, _pr_number: &u64) -> PullRequest {
    PullRequest { branch: "main".to_owned() }
}

#[policy_gated(pack = "acme.merge.v1", unchecked, facts = pull_request)]
async fn merge(repository: String, pr_number: u64) -> String {
    format!("{repository} {pr_number}")
}

fn main() {}
