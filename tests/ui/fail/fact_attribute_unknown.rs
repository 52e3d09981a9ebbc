use aport_gate::PolicyFacts;

#[derive(PolicyFacts)]
struct PullRequest {
    #[policy_facts(rename = "branch")]
    base: String,
}

fn main() {}
