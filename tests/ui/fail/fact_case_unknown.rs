use aport_gate::PolicyFacts;

#[derive(PolicyFacts)]
#[serde(rename_all = "snakecase")]
struct PullRequest {
    branch: String,
}

fn main() {}
