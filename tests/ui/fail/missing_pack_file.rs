use aport_gate::policy_gated;

#[policy_gated(pack_file = "../policies/acme.deploy.v1.json")]
async fn deploy(target: String) -> String {
    target
}

fn main() {}
