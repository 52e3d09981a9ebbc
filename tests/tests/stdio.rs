//! The example server over stdio, as any MCP client meets it.
#![allow(missing_docs)]

use aport_gate_tests::{AGENT, Home, ServerProcess, passport, refund_arguments};
use serde_json::{Value, json};

fn tool(server: &ServerProcess, name: &str) -> Value {
    let listing = server.request("tools/list", json!({}));
    let tools = listing["result"]["tools"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let found = tools.into_iter().find(|tool| tool["name"] == name);
    found.unwrap_or_else(|| panic!("`{name}` is not in {listing}"))
}

fn holds(list: &Value, text: &str) -> bool {
    list.as_array()
        .is_some_and(|list| list.contains(&json!(text)))
}

#[test]
fn a_listing_tells_the_policy_and_who_must_name_the_agent() {
    let home = Home::new();
    for bound in [true, false] {
        let server = if bound {
            home.bound()
        } else {
            ServerProcess::spawn(home.path(), &[])
        };
        for (name, pack, field) in [
            ("process_refund", "finance.payment.refund.v1", "amount"),
            (
                "merge_pull_request",
                "code.repository.merge.v1",
                "repository",
            ),
        ] {
            let tool = tool(&server, name);
            let schema = &tool["inputSchema"];
            assert_eq!(holds(&schema["required"], "agent_id"), !bound, "{tool}");
            assert!(schema["properties"]["agent_id"].is_object(), "{tool}");
            assert!(holds(&schema["required"], field), "{tool}");
            assert_eq!(schema["additionalProperties"], json!(false), "{tool}");
            let policy = &tool["_meta"]["io.aport/policy"];
            assert_eq!(policy["pack"], json!(pack));
            let digest = policy["digest"]
                .as_str()
                .and_then(|text| text.strip_prefix("sha256:"));
            assert!(digest.is_some_and(|digest| digest.len() == 64), "{policy}");
            assert!(holds(&policy["context"], field), "{policy}");
        }
    }
}

#[test]
fn an_allowed_refund_pays_once_and_carries_its_decision() {
    let home = Home::new();
    let server = home.bound();
    let answer = server.call_tool(
        "process_refund",
        refund_arguments(5000, "key-allowed"),
        None,
    );
    assert!(answer.is_ok(), "{answer:?}");
    let decision = answer.decision();
    assert_eq!(decision["allow"], json!(true));
    assert_eq!(decision["agent_id"], json!(AGENT));
    assert_eq!(decision["policy_id"], json!("finance.payment.refund.v1"));
    assert!(!answer.decision_id().is_empty());
    let payments = home.payments();
    assert_eq!(payments.len(), 1, "{payments:?}");
    assert_eq!(payments[0]["amount"], json!(5000));
    assert_eq!(payments[0]["decision_id"], json!(answer.decision_id()));
}

#[test]
fn an_allowed_merge_merges_and_a_foreign_repository_does_not() {
    let home = Home::new();
    let server = home.bound();
    let merge = |repository: &str| {
        let arguments = json!({ "repository": repository, "pr_number": 7 });
        server.call_tool("merge_pull_request", arguments, None)
    };
    let allowed = merge("my-org/shop");
    assert!(allowed.is_ok(), "{allowed:?}");
    assert!(allowed.0.to_string().contains("my-org/shop"), "{allowed:?}");
    let denied = merge("other/shop");
    assert!(!denied.is_ok());
    assert_eq!(denied.codes(), ["oap.repository_not_allowed"]);
}

#[test]
fn a_denial_names_limit_and_decision_and_pays_nothing() {
    let home = Home::new();
    let server = home.bound();
    let answer = server.call_tool(
        "process_refund",
        refund_arguments(100_000, "key-denied"),
        None,
    );
    assert!(!answer.is_ok());
    let lines: Vec<&str> = answer.text().lines().collect();
    assert_eq!(lines.len(), 2, "{}", answer.text());
    let reasons = answer.decision()["reasons"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let messages: Vec<&str> = reasons
        .iter()
        .filter_map(|reason| reason["message"].as_str())
        .collect();
    assert_eq!(lines[0], format!("Policy denied: {}", messages.join(", ")));
    assert_eq!(lines[1], format!("Decision ID: {}", answer.decision_id()));
    assert!(!answer.decision_id().is_empty());
    assert_eq!(answer.decision()["allow"], json!(false));
    let details = &reasons[0]["details"];
    assert_eq!(details["field"], json!("amount"), "{details}");
    assert_eq!(details["actual"], json!(100_000), "{details}");
    assert_eq!(details["limit"], json!(5000), "{details}");
    assert!(details["rule"].is_string(), "{details}");
    assert!(answer.0.get("structuredContent").is_none(), "{answer:?}");
    assert!(home.payments().is_empty());
}

#[test]
fn a_suspension_and_its_end_count_from_the_next_call() {
    let home = Home::new();
    let server = home.bound();
    let refund = |key: &str| server.call_tool("process_refund", refund_arguments(1, key), None);
    assert!(refund("key-before").is_ok());
    let mut suspended = passport();
    suspended["status"] = json!("suspended");
    home.write_passport(suspended.to_string());
    assert_eq!(refund("key-during").codes(), ["oap.passport_suspended"]);
    home.write_passport(passport().to_string());
    assert!(refund("key-after1").is_ok());
    assert_eq!(home.payments().len(), 2);
}

#[test]
fn a_replayed_idempotency_key_pays_once_even_after_a_restart() {
    let home = Home::new();
    let server = home.bound();
    let arguments = refund_arguments(100, "the-same-key");
    assert!(
        server
            .call_tool("process_refund", arguments.clone(), None)
            .is_ok()
    );
    let again = server.call_tool("process_refund", arguments.clone(), None);
    assert_eq!(again.codes(), ["oap.idempotency_conflict"]);
    assert!(server.leave());
    let restarted = home.bound().call_tool("process_refund", arguments, None);
    assert_eq!(restarted.codes(), ["oap.idempotency_conflict"]);
    assert_eq!(home.payments().len(), 1);
}

#[test]
fn standard_output_holds_nothing_but_mcp_even_with_all_logs_on() {
    let home = Home::new();
    let envs = [("APORT_AGENT_ID", AGENT), ("RUST_LOG", "trace")];
    let server = ServerProcess::spawn(home.path(), &envs);
    assert!(
        server
            .call_tool("process_refund", refund_arguments(1, "key-logged"), None)
            .is_ok()
    );
    let denied = server.call_tool(
        "process_refund",
        refund_arguments(5001, "key-logged2"),
        None,
    );
    assert!(!denied.is_ok());
    assert!(server.leave());
    assert_eq!(server.not_mcp(), Vec::<String>::new());
    assert!(
        server.log().contains(denied.decision_id()),
        "decisions are logged to stderr"
    );
}

#[test]
fn an_unknown_tool_is_a_protocol_error() {
    let home = Home::new();
    let params = json!({ "name": "print_money", "arguments": {} });
    let answer = home.bound().request("tools/call", params);
    assert_eq!(answer["error"]["code"], json!(-32602), "{answer}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_leaves_no_call_without_an_answer() {
    use std::io::{BufRead as _, BufReader, Write as _};

    let home = Home::new();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut server = aport_gate_tests::server_command(home.path(), &[("RUST_LOG", "debug")])
        .stderr(full)
        .spawn()
        .unwrap();
    let mut input = server.stdin.take().unwrap();
    let mut answers = BufReader::new(server.stdout.take().unwrap()).lines();
    for message in [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "process_refund",
            "arguments": {"agent_id": "ap_nobody"},
        }}),
    ] {
        writeln!(input, "{message}").unwrap();
    }
    let ids: Vec<Value> = (0..2)
        .map(|_| answers.next().unwrap().unwrap())
        .map(|line| serde_json::from_str::<Value>(&line).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, [json!(1), json!(2)]);
    drop(input);
    assert!(server.wait().unwrap().success());
}
