use aport_gate::PolicyFacts;

#[derive(PolicyFacts)]
struct Facts {
    agent_id: String,
}

fn main() {}
