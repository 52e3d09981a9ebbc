use aport_gate::PolicyFacts;

#[derive(PolicyFacts)]
struct PullRequest {
    #[serde(flatten)]
    size: Size,
}

struct Size {
    size_kb: u64,
}

fn main() {}
