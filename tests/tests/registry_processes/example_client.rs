//! The example client, unchanged, where a registry decides.

use std::process::{Command, Output};

use aport_gate_tests::{Home, RegistryProcess, client_binary, server_binary};
use serde_json::Value;

fn client(url: &str, envs: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(client_binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("APORT_") {
            command.env_remove(name);
        }
    }
    command
        .env("APORT_BASE_URL", url)
        .envs(envs.iter().copied())
        .args(["--json", "--server"])
        .arg(server_binary())
        .args(arguments)
        .output()
        .unwrap()
}

fn went_well(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let steps = report["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 8, "{report:#}");
    for step in steps {
        assert_eq!(step["ok"], Value::Bool(true), "{step:#}");
    }
}

#[test]
fn the_demonstration_runs_against_a_development_registry_each_time() {
    let office = Home::new();
    let registry = RegistryProcess::start(&office, &["--dev"], &[]);
    for _ in 0..2 {
        went_well(&client(&registry.url(), &[], &[]));
    }
    // It decided, and not the demonstration's own folder.
    let metrics = registry.request_text("/metrics");
    let refunds =
        "aport_registry_decisions_total{pack=\"finance.payment.refund.v1\",result=\"allow\"} 4";
    assert!(metrics.contains(refunds), "{metrics}");
    // With an agent of the registry, `call` works as well.
    let order = serde_json::json!({"owner_id": "o", "capabilities": ["code.repository.merge"], "assurance_level": "L2"});
    let (_, passport) = registry.request("POST", "/api/passports", None, &order);
    let agent = passport["agent_id"].as_str().unwrap();
    let desk = Home::new();
    let home = desk.path().to_str().unwrap();
    let merge = r#"{"repository": "my-org/my-repo", "pr_number": 7}"#;
    let output = client(
        &registry.url(),
        &[],
        &[
            "call",
            "merge_pull_request",
            merge,
            "--agent",
            agent,
            "--home",
            home,
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn the_demonstration_needs_an_administrators_key_of_any_other_registry_and_says_so() {
    let office = Home::new();
    let registry = RegistryProcess::start(&office, &[], &[]);
    let output = client(&registry.url(), &[], &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("--dev") && told.contains("APORT_API_KEY"),
        "{told}"
    );
    let key = office
        .operate(&["registry", "key", "add", "ops", "--admin"])
        .exits(0);
    went_well(&client(
        &registry.url(),
        &[("APORT_API_KEY", key.trim())],
        &[],
    ));
    let gone = client("http://127.0.0.1:9", &[], &[]);
    assert_eq!(gone.status.code(), Some(2), "{gone:?}");
}
