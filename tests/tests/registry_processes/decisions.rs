//! What is decided, by whom, and what it takes.

use aport_gate_tests::{AGENT, Home, RegistryProcess, ServerProcess, refund_arguments};
use serde_json::{Value, json};

pub(crate) fn refund(gate: &ServerProcess, amount: u64, key: &str) -> aport_gate_tests::Answer {
    gate.call_tool("process_refund", refund_arguments(amount, key), None)
}

#[test]
fn a_gate_allows_denies_and_stops_as_the_registry_says() {
    allows_denies_and_stops(&[]);
}

#[test]
fn a_gate_allows_denies_and_stops_as_a_registry_on_postgresql_says() {
    if let Some(url) = aport_gate_test_postgres::database() {
        allows_denies_and_stops(&[("APORT_DATABASE_URL", &url)]);
    }
}

fn allows_denies_and_stops(envs: &[(&str, &str)]) {
    let (desk, office) = (Home::new(), Home::new());
    // The gate's own passports decide nothing.
    std::fs::remove_file(desk.passport_file()).unwrap();
    let registry = RegistryProcess::start(&office, &[], envs);
    let gate = registry.gate(&desk, &[]);

    let paid = refund(&gate, 1200, "refund-0001");
    assert!(paid.is_ok(), "{paid:?}");
    assert_eq!(paid.decision()["agent_id"], AGENT);
    assert_eq!(paid.decision()["policy_id"], "finance.payment.refund.v1");
    assert!(paid.decision()["signature"].is_string(), "{paid:?}");

    let over = refund(&gate, 5001, "refund-0002");
    assert!(over.text().starts_with("Policy denied: "), "{over:?}");
    assert_eq!(over.codes(), ["oap.limit_exceeded"]);
    let details = &over.decision()["reasons"][0]["details"];
    assert_eq!(
        (&details["actual"], &details["limit"]),
        (&json!(5001), &json!(5000))
    );

    let again = refund(&gate, 1200, "refund-0001");
    assert!(again.text().starts_with("Policy denied: "), "{again:?}");

    let merge = json!({"repository": "my-org/my-repo", "pr_number": 7, "base_branch": "main"});
    let merged = gate.call_tool("merge_pull_request", merge, None);
    assert!(merged.is_ok(), "{merged:?}");
    let merge = json!({"repository": "my-org/my-repo", "pr_number": 1000, "base_branch": "main"});
    let elsewhere = gate.call_tool("merge_pull_request", merge, None);
    assert_eq!(
        elsewhere.codes(),
        ["oap.branch_not_allowed"],
        "the server's facts reach the registry"
    );

    let _ = office.operate(&["passport", "suspend", AGENT]).exits(0);
    let stopped = refund(&gate, 1, "refund-0003");
    assert_eq!(stopped.codes(), ["oap.passport_suspended"], "{stopped:?}");
    let _ = office.operate(&["passport", "resume", AGENT]).exits(0);
    assert!(refund(&gate, 1, "refund-0003").is_ok());
    assert_eq!(desk.payments().len(), 2);
    let _ = desk.operate(&["audit", "verify"]).exits(0);
}

#[test]
fn a_secure_gate_takes_what_the_registry_signs_before_and_after_its_keys_are_rotated() {
    let (desk, office) = (Home::new(), Home::new());
    let registry = RegistryProcess::start(&office, &["--new-key-after", "0"], &[]);
    let gate = registry.gate(&desk, &[("APORT_SECURITY", "secure")]);
    let paid = refund(&gate, 1200, "refund-0001");
    assert!(paid.is_ok(), "{paid:?}");
    // A gate that was given the keys believes those and no others.
    let file = desk.path().join("registry-keys.json");
    std::fs::write(&file, office.operate(&["keys", "jwks"]).exits(0)).unwrap();
    let file = file.to_str().unwrap();
    let pinned = [("APORT_SECURITY", "secure"), ("APORT_JWKS_FILE", file)];
    let pinned = registry.gate(&desk, &pinned);
    let paid = refund(&pinned, 1, "refund-0011");
    assert!(paid.is_ok(), "{paid:?}");
    // The operator rotates, and the running registry signs with the new key before long.
    let _ = office.operate(&["keys", "rotate"]).exits(0);
    let mut calls = 0;
    let refused = loop {
        calls += 1;
        assert!(calls < 600, "it goes on with the old key");
        let answer = refund(&pinned, 1, &format!("refund-1{calls:03}"));
        if !answer.is_ok() {
            break answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert_eq!(refused.codes(), ["gate.signing_key_unknown"], "{refused:?}");
    let paid = refund(&gate, 1200, "refund-0002");
    assert!(paid.is_ok(), "{paid:?}\n{}", gate.log());
    // A suspension counts at once, though the view of the passport may be kept for a moment.
    let _ = office.operate(&["passport", "suspend", AGENT]).exits(0);
    let stopped = refund(&gate, 1, "refund-0003");
    assert_eq!(stopped.codes(), ["oap.passport_suspended"], "{stopped:?}");
    drop(registry);
    assert_eq!(desk.payments().len(), calls + 2);
}

#[test]
fn a_registry_that_wants_a_key_gets_it_and_refuses_another() {
    let (desk, office) = (Home::new(), Home::new());
    let key = office.operate(&["registry", "key", "add", "desk"]).exits(0);
    let registry = RegistryProcess::start(&office, &[], &[]);
    for key in [None, Some("apgk_of_nobody")] {
        let envs: Vec<_> = key.map(|key| ("APORT_API_KEY", key)).into_iter().collect();
        let refused = refund(&registry.gate(&desk, &envs), 1, "refund-0001");
        assert_eq!(
            refused.codes(),
            ["gate.registry_unauthorized"],
            "{refused:?}"
        );
        assert!(refused.text().contains("APORT_API_KEY"), "{refused:?}");
    }
    let paid = refund(
        &registry.gate(&desk, &[("APORT_API_KEY", key.trim())]),
        1,
        "refund-0001",
    );
    assert!(paid.is_ok(), "{paid:?}");
    assert_eq!(desk.payments().len(), 1);
}

#[test]
fn one_idempotency_key_pays_once_over_two_gates_and_two_agents_share_nothing() {
    let (first, second, office) = (Home::new(), Home::new(), Home::new());
    let mut other = aport_gate_tests::passport();
    other["passport_id"] = json!("ap_other");
    let file = office.path().join("passports/ap_other.json");
    std::fs::write(file, other.to_string()).unwrap();
    let registry = RegistryProcess::start(&office, &[], &[]);
    let gates = [registry.gate(&first, &[]), registry.gate(&second, &[])];
    let answers: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..16)
            .map(|call| {
                let gate = &gates[call % 2];
                scope.spawn(move || refund(gate, 1000, "refund-0001"))
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let paid = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(paid, 1, "{answers:?}");
    assert_eq!(first.payments().len() + second.payments().len(), 1);

    // One gate for two agents: neither the key nor the cap of one is the other's.
    drop(gates);
    let unbound = ServerProcess::spawn(first.path(), &[("APORT_BASE_URL", &registry.url())]);
    let call = |agent: &str, amount: u64, key: &str| {
        let mut arguments: Value = refund_arguments(amount, key);
        arguments["agent_id"] = json!(agent);
        arguments["order_id"] = json!(format!("order-of-{agent}-{key}"));
        unbound.call_tool("process_refund", arguments, None)
    };
    for (agent, key) in [(AGENT, "refund-0011"), ("ap_other", "refund-0012")] {
        let paid = call(agent, 4000, key);
        assert!(paid.is_ok(), "{paid:?}");
        assert_eq!(paid.decision()["agent_id"], agent);
    }
    assert!(call(AGENT, 4000, "refund-0013").is_ok());
    assert_eq!(
        call(AGENT, 4000, "refund-0014").codes(),
        ["oap.limit_exceeded"]
    );
    assert!(call("ap_other", 4000, "refund-0015").is_ok());
    let stranger = call("ap_stranger", 1, "refund-0016");
    assert!(!stranger.is_ok(), "{stranger:?}");
}
