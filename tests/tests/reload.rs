//! Packs and options that change under a running server, and what refusals leave behind.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::time::{Duration, Instant};

use aport_gate::Ledger;
use aport_gate_tests::{AGENT, Answer, Home, ServerProcess, refund_arguments};
use serde_json::json;

/// A reason code that the passport does not list: rule by rule, the only thing wrong with the call.
fn odd_refund(server: &ServerProcess, key: &str) -> Answer {
    let mut arguments = refund_arguments(1, key);
    arguments["reason_code"] = json!("because");
    server.call_tool("process_refund", arguments, None)
}

fn until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "the change never counted");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn options_count_in_a_running_server_and_broken_ones_do_not() {
    let home = Home::new();
    let server = home.bound();
    let denied = odd_refund(&server, "key-000001");
    assert!(!denied.is_ok(), "{denied:?}");
    let rule = denied.decision()["reasons"][0]["details"]["rule"].clone();

    let options = home.path().join("pack-options.json");
    let waived = json!({ "finance.payment.refund.v1": { "waive": [rule] } });
    fs::write(&options, waived.to_string()).unwrap();
    let mut number = 1;
    let mut last = denied;
    until(|| {
        number += 1;
        last = odd_refund(&server, &format!("key-{number:06}"));
        last.is_ok()
    });
    assert_eq!(
        last.decision()["operator_options"]["waived_rules"],
        json!([rule])
    );

    // Broken: what was in force stays. Withdrawn: the rule is back.
    fs::write(&options, "{").unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(odd_refund(&server, "key-broken").is_ok());
    fs::remove_file(&options).unwrap();
    until(|| {
        number += 1;
        !odd_refund(&server, &format!("key-{number:06}")).is_ok()
    });
}

#[test]
fn a_refusal_is_recorded_with_the_agent_where_one_was_established() {
    let home = Home::new();
    let server = home.bound();
    server.call_tool("process_refund", json!({ "amount": "much" }), None);
    let other = json!({ "io.aport/agent_id": "ap_other" });
    server.call_tool(
        "process_refund",
        refund_arguments(1, "key-000001"),
        Some(other),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let records = runtime
        .block_on(async { Ledger::open(&home.ledger()).unwrap().records(0, 10).await })
        .unwrap();
    let agent_of = |code: &str| {
        let record = records
            .iter()
            .find(|record| record.body["code"] == code)
            .unwrap();
        record.body.get("agent_id").cloned()
    };
    assert_eq!(agent_of("gate.invalid_arguments"), Some(json!(AGENT)));
    assert_eq!(agent_of("gate.agent_id_conflict"), None);
}
