use aport_gate::PolicyFacts;

#[derive(PolicyFacts)]
struct PullRequest {
    branch: String,
    #[serde(rename = "branch")]
    base: String,
}

fn main() {}
