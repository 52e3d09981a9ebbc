//! Parameters of capabilities, and MCP allowlists.

use crate::setting::{codes, decide, document, pack, read, with};
use aport_gate_oap::Passport;
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
fn every_entry_of_a_capability_that_is_listed_twice_has_to_be_met() {
    let pay = |entries: Value, amount: i64| {
        let passport = read(&with("/capabilities", entries));
        let context = json!({ "amount": amount, "currency": "USD", "items": 2 });
        let pack = pack(json!({ "evaluation_rules": [
            { "name": "few", "condition": "!limits.items || context.items <= limits.items", "deny_code": "oap.few" }
        ] }));
        decide(&pack, &passport, &context, None)
    };
    let (bare, capped) = (
        json!({ "id": "acme.pay" }),
        json!({ "id": "acme.pay", "params": { "max_amount": 100 } }),
    );
    let wide = json!({ "id": "acme.pay", "params": { "max_amount": 900 } });
    for entries in [
        json!([bare, capped]),
        json!([capped, bare]),
        json!([wide, capped]),
        json!(["acme.pay", capped]),
    ] {
        let over = pay(entries.clone(), 101);
        assert_eq!(codes(&over), ["oap.limit_exceeded"], "{entries}");
        assert!(pay(entries, 100).allow);
    }
    let few = json!({ "id": "acme.pay", "params": { "items": 1 } });
    assert_eq!(codes(&pay(json!([bare, few]), 1)), ["oap.few"]);
    let asking = json!({ "id": "acme.pay", "params": { "approval_required": true } });
    let held = pay(json!([bare, asking]), 1);
    assert_eq!(codes(&held), ["oap.approval_required"]);
}

#[test]
fn an_allowlist_may_call_its_lists_allowed_and_a_call_is_on_each() {
    let decide_by = |allowlist: Value, context: Value| {
        let mut document = document();
        document["mcp"] = allowlist;
        let passport = read(&document);
        assert!(pack(json!({})).asks_tool(&passport));
        decide(&pack(json!({})), &passport, &context, Some("pay"))
    };
    let lists = json!({ "allowed_servers": ["https://mcp.example.com"], "allowed_tools": ["pay"] });
    assert!(
        decide_by(
            lists.clone(),
            json!({ "mcp_servers": ["https://mcp.example.com"] })
        )
        .allow
    );
    for context in [
        json!({ "mcp_server": "https://evil.example" }),
        json!({ "mcp_tool": "steal" }),
    ] {
        let denied = decide_by(lists.clone(), context);
        assert_eq!(codes(&denied), ["oap.mcp_not_allowed"]);
    }
    let both = json!({ "tools": ["pay", "steal"], "allowed_tools": ["pay"] });
    let denied = decide_by(both, json!({ "mcp_tool": "steal" }));
    assert_eq!(codes(&denied), ["oap.mcp_not_allowed"]);
}

#[test]
fn a_key_that_means_nothing_in_an_allowlist_is_named_by_a_check() {
    let mut document = document();
    document["mcp"] =
        json!({ "servers": [], "allowed_servers": [], "allowed_tool": ["pay"], "zone": 1 });
    let findings = Passport::check(document.to_string().as_bytes());
    let of = |path: &str| findings.iter().find(|finding| finding.path == path);
    assert!(of("mcp.servers").is_none() && of("mcp.allowed_servers").is_none());
    assert!(of("mcp.zone").is_some());
    let message = &of("mcp.allowed_tool").unwrap().message;
    assert!(
        message.contains("did you mean `allowed_tools`?"),
        "{message}"
    );
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
