//! The operator's command beside a running server.
#![allow(missing_docs)]

use std::process::Command;

use aport_gate_tests::{AGENT, Home, command_binary, refund_arguments};

/// Runs `aport-gate` on the same home; gives exit code, standard output and
/// standard error.
fn operate(home: &Home, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(command_binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("APORT_") {
            command.env_remove(name);
        }
    }
    let output = command
        .env("APORT_HOME", home.path())
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_suspension_counts_in_every_running_server_from_its_next_call() {
    let home = Home::new();
    let servers = [home.bound(), home.bound()];
    for (number, server) in servers.iter().enumerate() {
        let key = format!("key-before-{number}");
        let answer = server.call_tool("process_refund", refund_arguments(100, &key), None);
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert_eq!(operate(&home, &["passport", "suspend", AGENT]).0, 0);
    for (number, server) in servers.iter().enumerate() {
        let key = format!("key-while-{number}");
        let answer = server.call_tool("process_refund", refund_arguments(100, &key), None);
        assert!(!answer.is_ok());
        assert_eq!(answer.codes(), ["oap.passport_suspended"]);
    }
    assert_eq!(operate(&home, &["passport", "resume", AGENT]).0, 0);
    let answer = servers[0].call_tool("process_refund", refund_arguments(100, "key-after"), None);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(operate(&home, &["passport", "revoke", AGENT]).0, 0);
    let answer = servers[1].call_tool("process_refund", refund_arguments(100, "key-revoked"), None);
    assert_eq!(answer.codes(), ["oap.passport_revoked"]);
    assert_eq!(home.payments().len(), 3);
}

#[test]
fn an_issued_passport_is_allowed_at_once_by_a_running_server() {
    let home = Home::new();
    let server = aport_gate_tests::ServerProcess::spawn(home.path(), &[]);
    let call = |key: &str| {
        let mut arguments = refund_arguments(2500, key);
        arguments["agent_id"] = "ap_issued".into();
        server.call_tool("process_refund", arguments, None)
    };
    assert_eq!(call("key-unknown").codes(), ["oap.passport_not_found"]);
    let limit = |path: &str| format!("finance.payment.refund:{path}");
    let issued = operate(
        &home,
        &[
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
        ],
    );
    assert_eq!(issued.0, 0, "{issued:?}");
    let answer = call("key-issued");
    assert!(answer.is_ok(), "{answer:?}");
}
