use aport_gate::PolicyFacts;

#[derive(PolicyFacts)]
struct Facts(String);

fn main() {}
