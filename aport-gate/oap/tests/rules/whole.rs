//! Integers that are written with a fraction of zero, and sentences about what was not allowed.

use crate::setting::{Setting, codes};
use serde_json::json;

#[test]
fn an_amount_with_a_fraction_of_zero_is_the_integer_everywhere() {
    let pack = json!({
        "id": "acme.pay.v1", "requires_capabilities": ["acme.pay"],
        "counters": [
            { "name": "spent", "kind": "sum", "of": "amount", "window": "day" },
            { "name": "by_shop", "kind": "count", "by": ["shop"], "window": "day" }
        ],
        "assurance_rules": [{ "lte_minor": 10000.0, "min_level": "L2" }],
        "required_context": { "type": "object", "properties": {
            "amount": { "type": "integer", "minimum": 1 }, "shop": { "type": "integer" }
        } },
        "evaluation_rules": [
            { "name": "most", "condition": "amount <= limits.max", "deny_code": "oap.limit_exceeded" },
            { "name": "level", "deny_code": "oap.level",
              "condition": "passport.assurance_level >= getRequiredAssuranceLevel(amount, 'USD')" },
            { "name": "daily", "condition": "spent + amount <= limits.daily", "deny_code": "oap.limit_exceeded" },
            { "name": "shop", "condition": "by_shop < 2", "deny_code": "oap.shop" }
        ]
    });
    let mut setting = Setting::new(pack, json!({ "acme.pay": { "max": 100.0, "daily": 150 } }));
    let allowed = setting.run(&json!({ "amount": 100.0, "shop": 7 }));
    assert!(allowed.allow, "{:?}", allowed.reasons);
    assert_eq!(allowed.charges[0].amount, 100);
    let shops: Vec<_> = allowed
        .charges
        .iter()
        .map(|charge| charge.counter.key.as_str())
        .collect();
    assert!(shops.contains(&"7"), "{shops:?}");
    let denied = setting.run(&json!({ "amount": 101.0, "shop": 7.0 }));
    assert_eq!(codes(&denied), ["oap.limit_exceeded", "oap.limit_exceeded"]);
    assert_eq!(
        denied.reasons[0].details.as_ref().unwrap().actual,
        Some(json!(101))
    );
    assert!(setting.run(&json!({ "amount": 50, "shop": 7.0 })).allow);
    assert_eq!(
        codes(&setting.run(&json!({ "amount": 0.5, "shop": 7 })))[0],
        "oap.invalid_context"
    );
    let full = setting.run(&json!({ "amount": 1, "shop": 7.0 }));
    assert_eq!(codes(&full), ["oap.limit_exceeded", "oap.shop"]);
}

#[test]
fn a_reason_with_a_code_of_its_own_has_a_sentence_of_its_own() {
    let about = |validator: &str, limits, context| {
        let pack = json!({
            "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"],
            "evaluation_rules": [{
                "name": "the_rule", "type": "custom_validator", "validator": validator,
                "deny_code": "oap.blocked", "message": "It matches what is blocked."
            }]
        });
        let decided = Setting::new(pack, json!({ "acme.thing": limits })).decide(&context);
        (
            decided.reasons[0].code.clone(),
            decided.reasons[0].message.clone(),
        )
    };
    let (code, message) = about(
        "validateFilePathPatterns",
        json!({ "allowed_paths": ["/workspace/"] }),
        json!({ "file_path": "/home/a.md" }),
    );
    assert_eq!(code, "oap.path_not_allowed");
    assert!(
        !message.contains("blocked")
            && message.contains("/home/a.md")
            && message.contains("/workspace/"),
        "{message}"
    );
    let (code, message) = about(
        "validateWebFetchBlockedDomains",
        json!({ "allowed_domains": ["example.com"] }),
        json!({ "url": "https://other.example/example.com" }),
    );
    assert_eq!(code, "oap.domain_not_allowed");
    assert!(
        !message.contains("blocked")
            && message.contains("other.example")
            && message.contains("example.com"),
        "{message}"
    );
    let (code, message) = about(
        "validateFilePathPatterns",
        json!({ "blocked_patterns": ["*.sqlite"] }),
        json!({ "file_path": "/workspace/a.sqlite" }),
    );
    assert_eq!(code, "oap.blocked");
    assert!(
        message.starts_with("It matches what is blocked.") && message.contains("*.sqlite"),
        "{message}"
    );
}

#[test]
fn what_a_context_says_was_used_only_speaks_against_the_call() {
    let pack = json!({
        "id": "acme.pay.v1", "requires_capabilities": ["acme.pay"],
        "required_context": { "type": "object", "properties": {
            "amount": { "type": "integer" }, "shop": { "type": "string" }, "daily_volume": { "type": "integer" }
        } },
        "evaluation_rules": [
            { "name": "daily", "condition": "daily_spend + amount <= limits.daily", "deny_code": "oap.daily" },
            { "name": "hourly", "condition": "pay_count_per_hour[shop] < 3", "deny_code": "oap.hourly" },
            { "name": "declared", "condition": "not daily_volume or daily_volume < 5", "deny_code": "oap.volume" },
            { "name": "once", "condition": "!recent_keys.includes(context.key)", "deny_code": "oap.again" }
        ]
    });
    let mut setting = Setting::new(pack, json!({ "acme.pay": { "daily": 100 } }));
    let pay = |more: serde_json::Value| {
        let mut context = json!({ "amount": 40, "shop": "a", "key": "k-1" });
        for (name, value) in more.as_object().unwrap() {
            context[name] = value.clone();
        }
        context
    };
    for (claim, code) in [
        (json!({ "daily_spend": 61 }), "oap.daily"),
        (json!({ "daily_spend": 61.0 }), "oap.daily"),
        (json!({ "pay_count_per_hour": { "a": 3 } }), "oap.hourly"),
        (json!({ "pay_count_per_hour": 3 }), "oap.hourly"),
        (json!({ "recent_keys": ["k-0", "k-1"] }), "oap.again"),
        // A field that the pack describes is a field, whatever it is called.
        (json!({ "daily_volume": 5 }), "oap.volume"),
    ] {
        assert_eq!(codes(&setting.decide(&pay(claim))), [code]);
    }
    let harmless = json!({
        "daily_spend": 60, "pay_count_per_hour": { "b": 3 }, "recent_keys": ["k-0"], "daily_volume": 4
    });
    assert!(setting.run(&pay(harmless)).allow);
    assert!(setting.run(&pay(json!({}))).allow);
    // The ledger has 80 by now, whatever the context says.
    for claim in [
        json!({}),
        json!({ "daily_spend": 0 }),
        json!({ "daily_spend": "none" }),
    ] {
        assert_eq!(codes(&setting.decide(&pay(claim))), ["oap.daily"]);
    }
}
