//! What a client gets.

use aport_gate_tests::{AGENT, Home, HttpServerProcess, refund_arguments};
use serde_json::{Value, json};

#[test]
fn a_refund_over_http_is_decided_and_carries_its_decision() {
    let home = Home::new();
    let server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    let allowed = server.call(&[], "process_refund", &refund_arguments(5000, "key-http-1"));
    assert_eq!(allowed.header("content-type"), Some("application/json"));
    assert_eq!(allowed.header("cache-control"), Some("no-store"));
    let answer = allowed.answer();
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(answer.decision()["agent_id"], json!(AGENT));
    assert_eq!(home.payments()[0]["decision_id"], answer.decision_id());
    let denied = server.call(&[], "process_refund", &refund_arguments(9000, "key-http-2"));
    let denied = denied.answer();
    assert!(denied.codes().contains(&"oap.limit_exceeded"), "{denied:?}");
    assert_eq!(home.payments().len(), 1);
    let audit = home.operate(&["audit", "verify"]);
    assert_eq!(audit.code, 0, "{audit:?}");
}

#[test]
fn the_protocol_of_2026_and_the_older_one_are_both_answered_without_a_session() {
    let home = Home::new();
    let server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    let initialize = json!({
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "tests", "version": "1" },
    });
    let hello = server.rpc(&[], "initialize", &initialize);
    assert_eq!(hello.json()["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(hello.header("mcp-session-id"), None);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "tests", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({
        "name": "process_refund", "arguments": refund_arguments(100, "key-2026-1"), "_meta": meta,
    });
    let today = [
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        "Mcp-Name: process_refund",
    ];
    let answer = server.rpc(&today, "tools/call", &params).answer();
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(answer.decision()["allow"], json!(true));
    let other = [today[0], today[1], "Mcp-Name: merge_pull_request"];
    let refused = server.rpc(&other, "tools/call", &params);
    assert_eq!(refused.status, 400, "{refused:?}");
    assert_eq!(home.payments().len(), 1);
}

#[test]
fn a_listing_is_private_and_asks_for_the_agent_only_where_nothing_else_names_it() {
    for (envs, required) in [(&[("APORT_AGENT_ID", AGENT)][..], false), (&[], true)] {
        let home = Home::new();
        let server = HttpServerProcess::start(&home, &[], envs);
        let listing = server.rpc(&[], "tools/list", &json!({})).json();
        assert_eq!(listing["result"]["cacheScope"], "private", "{listing}");
        let tools = listing["result"]["tools"].as_array().cloned().unwrap();
        let refund = tools.iter().find(|tool| tool["name"] == "process_refund");
        let names = &refund.unwrap()["inputSchema"]["required"];
        let named = names.as_array().unwrap().contains(&Value::from("agent_id"));
        assert_eq!(named, required, "{names}");
    }
}

#[test]
fn health_is_told_to_anybody_and_readiness_as_long_as_the_ledger_can_be_written() {
    let home = Home::new();
    let server = HttpServerProcess::start(&home, &[], &[]);
    let host = "Host: 10.1.2.3:8080";
    for (path, status) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let answer = server.request("GET", path, &[host], "");
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (200, &json!(status))
        );
    }
    assert_eq!(server.request("GET", "/", &[], "").status, 404);
    assert_eq!(server.request("GET", "/mcp", &[], "").status, 405);
}
