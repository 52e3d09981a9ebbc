use aport_gate::policy_gated;

#[policy_gated(pack = "acme.deploy.v1", unchecked = true)]
async fn deploy(target: String) -> String {
    target
}

fn main() {}
