//! The operator's command beside a running server.
#![allow(missing_docs)]

use aport_gate_tests::{AGENT, Home, ServerProcess, refund_arguments};

#[test]
fn a_suspension_counts_in_every_running_server_from_its_next_call() {
    let home = Home::new();
    let servers = [home.bound(), home.bound()];
    for (number, server) in servers.iter().enumerate() {
        let key = format!("key-before-{number}");
        let answer = server.call_tool("process_refund", refund_arguments(100, &key), None);
        assert!(answer.is_ok(), "{answer:?}");
    }
    let _ = home.operate(&["passport", "suspend", AGENT]).exits(0);
    for (number, server) in servers.iter().enumerate() {
        let key = format!("key-while-{number}");
        let answer = server.call_tool("process_refund", refund_arguments(100, &key), None);
        assert!(!answer.is_ok());
        assert_eq!(answer.codes(), ["oap.passport_suspended"]);
    }
    let _ = home.operate(&["passport", "resume", AGENT]).exits(0);
    let answer = servers[0].call_tool("process_refund", refund_arguments(100, "key-after"), None);
    assert!(answer.is_ok(), "{answer:?}");
    let _ = home.operate(&["passport", "revoke", AGENT]).exits(0);
    let answer = servers[1].call_tool("process_refund", refund_arguments(100, "key-revoked"), None);
    assert_eq!(
        answer.codes(),
        ["oap.passport_revoked", "oap.passport_suspended"]
    );
    assert_eq!(home.payments().len(), 3);
}

#[test]
fn an_issued_passport_is_allowed_at_once_by_a_running_server() {
    let home = Home::new();
    let server = ServerProcess::spawn(home.path(), &[]);
    let call = |key: &str| {
        let mut arguments = refund_arguments(2500, key);
        arguments["agent_id"] = "ap_issued".into();
        server.call_tool("process_refund", arguments, None)
    };
    assert_eq!(call("key-unknown").codes(), ["oap.passport_not_found"]);
    let limit = |path: &str| format!("finance.payment.refund:{path}");
    let issued = home.operate(&[
        "passport",
        "issue",
        "--id",
        "ap_issued",
        "--owner",
        "org_test",
        "--level",
        "L2",
        "--capability",
        "finance.payment.refund",
        "--region",
        "US",
        "--limit",
        &limit("currency_limits.USD.max_per_tx=2500"),
        "--limit",
        &limit("currency_limits.USD.daily_cap=5000"),
        "--limit",
        &limit("reason_codes=[\"customer_request\"]"),
    ]);
    let _ = issued.exits(0);
    let answer = call("key-issued");
    assert!(answer.is_ok(), "{answer:?}");
}

#[test]
fn a_preview_sees_the_counters_of_running_servers_and_takes_nothing() {
    let home = Home::new();
    let server = home.bound();
    let spend =
        |amount, key: &str| server.call_tool("process_refund", refund_arguments(amount, key), None);
    assert!(spend(5000, "key-first").is_ok());
    let ask = |amount, key: &str| {
        let context = refund_arguments(amount, key).to_string();
        let pack = "finance.payment.refund.v1";
        home.operate(&["decide", pack, "--agent", AGENT, "--context", &context])
    };
    let used = ask(100, "key-first").exits(1);
    assert!(used.contains("oap.idempotency_conflict"), "{used}");
    // Of the 10000 a day, 5000 are left, however often one asks.
    for _ in 0..3 {
        let _ = ask(5000, "key-second").exits(0);
    }
    assert!(spend(5000, "key-second").is_ok());
    let full = ask(1, "key-third").exits(1);
    assert!(full.contains("oap.limit_exceeded"), "{full}");
}
