//! Rates, counted over UTC windows.

use crate::setting::{Setting, allows, codes, denies};
use serde_json::{Value, json};

#[track_caller]
fn stops_after(name: &str, limits: Value, context: Value, times: usize) {
    let mut setting = Setting::validator(name, limits);
    for call in 0..times {
        let decided = setting.run(&context);
        assert!(decided.allow, "call {call}: {:?}", decided.reasons);
    }
    let decided = setting.run(&context);
    assert_eq!(codes(&decided), ["oap.refused"], "{name}");
    let details = decided.reasons[0].details.as_ref().unwrap();
    assert_eq!(
        (&details.used, &details.cap),
        (&Some(json!(times)), &Some(json!(times)))
    );
    assert!(decided.charges.is_empty(), "a denied call is not counted");
}

#[test]
fn each_rate_stops_at_its_limit() {
    let write = json!({ "file_path": "/a" });
    for limit in [
        "max_writes_per_hour",
        "writes_per_hour",
        "maxWritesPerHour",
        "write_rate_limit",
        "rate_limit_per_day",
        "max_writes_per_minute",
    ] {
        stops_after(
            "validateWriteRateLimit",
            json!({ limit: 2 }),
            write.clone(),
            2,
        );
    }
    stops_after(
        "validateWriteRateLimit",
        json!({ "rate_limit": { "max": 2, "window": "minute" } }),
        write.clone(),
        2,
    );
    stops_after(
        "validateWriteRateLimit",
        json!({ "rate_limits": { "writes_per_hour": 1 } }),
        write.clone(),
        1,
    );
    stops_after(
        "validateWriteRateLimit",
        json!({ "rate_limit": { "limit": 1, "window_seconds": 3600 } }),
        write,
        1,
    );
    stops_after(
        "validateWebFetchRateLimit",
        json!({ "max_requests_per_hour": 3 }),
        json!({ "url": "https://x.example" }),
        3,
    );
    stops_after(
        "validateMCPRateLimit",
        json!({ "max_calls_per_minute": 1 }),
        json!({ "server": "s", "tool": "t", "parameters": {} }),
        1,
    );
    stops_after(
        "validateBrowserScreenshotRate",
        json!({ "max_screenshots_per_hour": 1 }),
        json!({ "action": "screenshot" }),
        1,
    );
    stops_after(
        "validateBrowserNavigationRate",
        json!({ "max_navigations_per_hour": 1 }),
        json!({ "action": "navigate", "url": "x" }),
        1,
    );
}

#[test]
fn the_narrowest_of_several_windows_stops() {
    let mut setting = Setting::validator(
        "validateMCPRateLimit",
        json!({ "max_calls_per_minute": 1, "max_calls_per_day": 2 }),
    );
    let context = json!({});
    assert!(setting.run(&context).allow);
    assert!(!setting.run(&context).allow);
    setting.now = "2026-11-23T12:01:00Z".parse().unwrap();
    assert!(setting.run(&context).allow, "a new minute");
    setting.now = "2026-11-23T12:02:00Z".parse().unwrap();
    let decided = setting.run(&context);
    assert_eq!(
        decided.reasons[0].message,
        "2 tool calls were made this day, the limit `max_calls_per_day` is 2"
    );
    setting.now = "2026-11-24T00:00:00Z".parse().unwrap();
    assert!(setting.run(&context).allow, "a new day");
}

#[test]
fn a_limit_of_nothing_allows_nothing() {
    denies(
        "validateMCPRateLimit",
        &json!({ "max_calls_per_minute": 0 }),
        &[json!({})],
        "oap.refused",
    );
}

#[test]
fn only_calls_of_the_kind_are_counted() {
    let limits = json!({ "max_screenshots_per_hour": 1, "max_navigations_per_hour": 1 });
    let shot = [
        json!({ "action": "screenshot" }),
        json!({ "action": "click", "screenshot": true }),
    ];
    for name in [
        "validateBrowserScreenshotRate",
        "validateBrowserNavigationRate",
    ] {
        let mut setting = Setting::validator(name, limits.clone());
        for _ in 0..5 {
            assert!(
                setting
                    .run(&json!({ "action": "click", "screenshot": false }))
                    .allow,
                "{name}"
            );
        }
    }
    let mut setting = Setting::validator("validateBrowserScreenshotRate", limits.clone());
    assert!(setting.run(&shot[0]).allow);
    assert!(
        !setting.run(&shot[1]).allow,
        "a screenshot after an action is one too"
    );
    assert!(
        setting.run(&json!({ "action": "navigate" })).allow,
        "navigations are counted apart"
    );
}

#[test]
fn without_a_limit_nothing_is_counted_unless_the_pack_demands_one() {
    allows("validateWriteRateLimit", &json!({}), &[json!({})]);
    allows(
        "validateWriteRateLimit",
        &json!({ "max_file_size_mb": 1, "max_files": 3, "max_pages_per_hour": 0, "writes": 0 }),
        &[json!({})],
    );
    let pack = |required: Value| {
        json!({
            "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "limits_required": required,
            "evaluation_rules": [{ "name": "rate", "type": "custom_validator", "validator": "validateMCPRateLimit", "deny_code": "oap.rate" }]
        })
    };
    let decided = Setting::new(pack(json!(["max_calls_per_minute"])), json!({})).decide(&json!({}));
    assert_eq!(codes(&decided), ["oap.rate"]);
    assert_eq!(
        decided.reasons[0].message,
        "the passport sets no `limits.max_calls_per_minute`"
    );
    assert!(
        Setting::new(pack(json!(["allowed_servers"])), json!({}))
            .decide(&json!({}))
            .allow
    );
}

#[test]
fn malformed_limits_deny() {
    for limits in [
        json!({ "max_writes_per_hour": "5" }),
        json!({ "max_writes_per_hour": -1 }),
        json!({ "max_writes_per_hour": 1.5 }),
        json!({ "max_writes_per_second": 5 }),
        json!({ "rate_limit": { "max": 5, "window": "week" } }),
        json!({ "rate_limit": { "max": "5" } }),
    ] {
        denies(
            "validateWriteRateLimit",
            &limits,
            &[json!({ "file_path": "/a" })],
            "oap.policy_error",
        );
    }
}
