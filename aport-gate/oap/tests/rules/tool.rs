//! Registering tools.

use crate::setting::{Setting, allows, codes, denies};
use serde_json::{Value, json};

fn tools(list: &[&str]) -> Vec<Value> {
    list.iter()
        .map(|name| json!({ "tool_name": name }))
        .collect()
}

#[test]
fn names_follow_the_convention() {
    let name = "validateToolNaming";
    allows(
        name,
        &json!({}),
        &tools(&[
            "abc",
            "a.b-c_d",
            "0x1",
            "github.pulls.create",
            &"a".repeat(100),
        ]),
    );
    denies(
        name,
        &json!({}),
        &tools(&[
            "ab",
            "Abc",
            "-abc",
            "abc.",
            "a b",
            "a/b",
            "a..b",
            "ábc",
            "",
            &"a".repeat(101),
        ]),
        "oap.refused",
    );
    denies(
        name,
        &json!({ "reserved_tool_names": ["system.*"] }),
        &tools(&["system.run"]),
        "oap.refused",
    );
    denies(
        name,
        &json!({ "allowed_tool_prefixes": ["acme."] }),
        &tools(&["other.run"]),
        "oap.refused",
    );
    allows(
        name,
        &json!({ "allowed_tool_prefixes": ["acme."] }),
        &tools(&["acme.run"]),
    );
    denies(
        name,
        &json!({ "naming_convention": "snake_case" }),
        &tools(&["a.b.c"]),
        "oap.refused",
    );
    allows(
        name,
        &json!({ "tool_name_pattern": "acme\\.[a-z]+" }),
        &tools(&["acme.run"]),
    );
    denies(
        name,
        &json!({ "tool_name_pattern": "acme\\.[a-z]+" }),
        &tools(&["acme.run2", "xacme.run"]),
        "oap.refused",
    );
    denies(
        name,
        &json!({ "tool_name_pattern": "(" }),
        &tools(&["acme.run"]),
        "oap.policy_error",
    );
    denies(name, &json!({}), &[json!({})], "oap.refused");
}

#[test]
fn a_name_is_registered_once() {
    let mut setting = Setting::validator("validateToolUniqueness", json!({}));
    let context = json!({ "tool_name": "acme.run" });
    let first = setting.run(&context);
    assert!(first.allow);
    assert_eq!(
        first.idempotency_key.as_deref(),
        Some("acme.run"),
        "the ledger remembers the name"
    );
    setting.usage.key_seen = true;
    let second = setting.run(&context);
    assert_eq!(codes(&second), ["oap.refused"]);
    assert_eq!(
        second.reasons[0].message,
        "tool acme.run is registered already"
    );
}

#[test]
fn what_the_server_knows_to_be_registered_counts() {
    let name = "validateToolUniqueness";
    let with = |known: Value| json!({ "tool_name": "acme.run", "existing_tools": known });
    allows(
        name,
        &json!({}),
        &[
            with(json!([])),
            with(json!(["acme.stop", { "name": "acme.go" }])),
        ],
    );
    denies(
        name,
        &json!({}),
        &[
            with(json!(["ACME.run"])),
            with(json!([{ "name": "acme.run" }])),
            json!({ "tool_name": "acme.run", "tool_exists": true }),
        ],
        "oap.refused",
    );
    denies(
        name,
        &json!({}),
        &[with(json!("acme.stop")), with(json!([1]))],
        "oap.policy_error",
    );
    denies(
        name,
        &json!({ "max_tools_per_agent": 1 }),
        &[with(json!(["acme.stop"]))],
        "oap.limit_exceeded",
    );
}

#[test]
fn registrations_of_a_day_are_capped() {
    let mut setting = Setting::validator(
        "validateToolUniqueness",
        json!({ "max_registrations_per_day": 2 }),
    );
    assert!(setting.run(&json!({ "tool_name": "acme.a" })).allow);
    assert!(setting.run(&json!({ "tool_name": "acme.b" })).allow);
    let third = setting.run(&json!({ "tool_name": "acme.c" }));
    assert_eq!(codes(&third), ["oap.limit_exceeded"]);
}

#[test]
fn every_capability_of_a_tool_is_allowed() {
    let name = "validateToolCapabilities";
    let with = |list: Value| json!({ "tool_name": "acme.run", "capabilities": list });
    let limits = json!({ "allowed_capabilities": ["data.*", "web.fetch"], "blocked_capabilities": ["data.export"] });
    allows(
        name,
        &limits,
        &[with(json!(["data.read", "web.fetch"])), with(json!([]))],
    );
    denies(
        name,
        &limits,
        &[
            with(json!(["data.read", "system.run"])),
            with(json!(["data.export"])),
            with(json!(["web.fetch.x"])),
        ],
        "oap.refused",
    );
    denies(
        name,
        &limits,
        &[with(json!("data.read")), with(json!([1]))],
        "oap.policy_error",
    );
    denies(name, &limits, &[json!({})], "oap.refused");
    allows(name, &json!({}), &[with(json!(["anything"]))]);
    allows(
        name,
        &json!({ "allowed_capabilities": ["*"] }),
        &[with(json!(["anything"]))],
    );
}
