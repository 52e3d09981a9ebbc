//! Parameters of capabilities, and MCP allowlists.

use crate::setting::{codes, decide, document, pack, read, with};
use serde_json::{Value, json};

#[test]
fn parameters_of_a_capability_cap_the_amount() {
    let passport = read(&with(
        "/capabilities/0",
        json!({ "id": "acme.pay", "params": { "max_amount": 100, "currency": "USD" } }),
    ));
    let pay = |context: Value| decide(&pack(json!({})), &passport, &context, None);
    assert!(pay(json!({ "amount": 100, "currency": "USD" })).allow);
    assert!(
        pay(json!({ "amount": 101, "currency": "EUR" })).allow,
        "the parameter is about dollars"
    );
    let over = pay(json!({ "amount": 101, "currency": "USD" }));
    assert_eq!(
        over.reasons[0].message,
        "amount 101 is over the limit 100 of capability `acme.pay`"
    );
    assert!(!pay(json!({ "amount": 101 })).allow);
    assert!(!pay(json!({ "amount": "1", "currency": "USD" })).allow);
}

#[test]
fn servers_and_tools_are_on_the_allowlist() {
    let mut document = document();
    document["mcp"] =
        json!({ "servers": ["https://mcp.example.com"], "tools": ["pay", "issues.*"] });
    let passport = read(&document);
    let plain = pack(json!({}));
    for (context, tool, allow) in [
        (json!({}), Some("pay"), true),
        (json!({}), Some("issues.list"), true),
        (json!({}), Some("steal"), false),
        (
            json!({ "mcp_servers": ["https://mcp.example.com/"], "mcp_tools": ["pay"] }),
            None,
            true,
        ),
        (
            json!({ "mcp_servers": ["https://mcp.example.com.evil.example"] }),
            None,
            false,
        ),
        (json!({ "mcp_tool": "steal" }), None, false),
        (
            json!({ "server": "https://evil.example", "tool": "steal" }),
            None,
            true,
        ),
    ] {
        assert_eq!(
            decide(&plain, &passport, &context, tool).allow,
            allow,
            "{context} {tool:?}"
        );
    }
    let calls = pack(
        json!({ "required_context": { "type": "object", "properties": { "server": {}, "tool": {} } } }),
    );
    let denied = decide(
        &calls,
        &passport,
        &json!({ "server": "https://evil.example", "tool": "steal" }),
        None,
    );
    assert_eq!(
        codes(&denied),
        ["oap.mcp_not_allowed", "oap.mcp_not_allowed"]
    );
}
