//! What counts as true where a rule has a path by itself: limits of the wrong type, zeros, and empty lists.

use crate::setting::{Setting, codes};
use serde_json::{Value, json};

fn rules(conditions: &[&str]) -> Value {
    let rules: Vec<Value> = conditions
        .iter()
        .enumerate()
        .map(|(at, condition)| {
            json!({ "name": format!("rule_{at}"), "condition": condition, "deny_code": "oap.refused" })
        })
        .collect();
    json!({
        "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "absent": "skip", "evaluation_rules": rules
    })
}

fn decide(conditions: &[&str], limits: Value, context: Value) -> Vec<String> {
    let setting = Setting::new(rules(conditions), json!({ "acme.thing": limits }));
    let answer = setting.decide(&context);
    assert_eq!(setting.explain(&context).reasons, answer.reasons);
    if answer.allow {
        return Vec::new();
    }
    answer
        .reasons
        .iter()
        .map(|reason| format!("{}: {}", reason.code, reason.message))
        .collect()
}

#[test]
fn a_limit_that_is_asked_whether_it_is_true_must_be_true_or_false() {
    let rules: [&[&str]; 6] = [
        &["NOT (context.include_pii AND NOT limits.allow_pii)"],
        &["limits.allow_pii || !context.include_pii"],
        &["not context.include_pii or passport.limits.allow_pii"],
        &["!(context.include_pii && !limits['allow_pii'])"],
        &["limits.allow_pii == true"],
        &["limits.allow_pii != false"],
    ];
    let asked = json!({ "include_pii": true });
    for conditions in rules {
        assert!(decide(conditions, json!({ "allow_pii": true }), asked.clone()).is_empty());
        let denied = decide(conditions, json!({ "allow_pii": false }), asked.clone());
        assert!(denied[0].starts_with("oap.refused"), "{denied:?}");
        for wrong in [
            json!("false"),
            json!("true"),
            json!(""),
            json!(0),
            json!(1),
            json!([]),
            json!(["x"]),
            json!({}),
        ] {
            let denied = decide(conditions, json!({ "allow_pii": wrong }), asked.clone());
            assert!(
                denied
                    .first()
                    .is_some_and(|reason| reason.starts_with("oap.policy_error")),
                "{conditions:?} {wrong}: {denied:?}"
            );
        }
    }
    let told = decide(rules[0], json!({ "allow_pii": "false" }), asked);
    assert!(
        told[0].contains("limit `limits.allow_pii` is a string")
            && told[0].contains("`true` or `false`"),
        "{told:?}"
    );
}

#[test]
fn a_flag_below_a_name_that_only_the_request_tells_must_be_true_or_false_as_well() {
    let condition = ["limits.reports[context.kind].open"];
    let context = json!({ "kind": "sales" });
    let limits = |open: Value| json!({ "reports": { "sales": { "open": open } } });
    assert!(decide(&condition, limits(json!(true)), context.clone()).is_empty());
    assert!(decide(&condition, limits(json!("no")), context)[0].starts_with("oap.policy_error"));
    let condition = ["limits.doors.every(door => door.open || context.key == door.key)"];
    let doors = json!({ "doors": [{ "open": "no", "key": "k" }] });
    assert!(decide(&condition, doors, json!({ "key": "x" }))[0].starts_with("oap.policy_error"));
}

#[test]
fn a_limit_that_rules_also_use_as_a_value_may_be_asked_whether_it_is_set() {
    let condition = ["!limits.kinds || limits.kinds.includes(context.kind)"];
    let context = json!({ "kind": "a" });
    for (limits, allowed) in [
        (json!({}), true),
        (json!({ "kinds": null }), true),
        (json!({ "kinds": ["a"] }), true),
        (json!({ "kinds": ["b"] }), false),
        (json!({ "kinds": [] }), false),
        (json!({ "kinds": false }), false),
        (json!({ "kinds": "" }), false),
    ] {
        let reasons = decide(&condition, limits.clone(), context.clone());
        assert_eq!(reasons.is_empty(), allowed, "{limits} {reasons:?}");
    }
    // The use may be in another rule.
    let two = [
        "limits.mode || context.free",
        "context.mode != 'fast' || limits.mode == 'fast'",
    ];
    assert!(decide(&two, json!({ "mode": "slow" }), json!({ "mode": "slow" })).is_empty());
}

#[test]
fn a_limit_of_zero_is_a_limit() {
    let condition =
        ["!context.timeout || !limits.max_timeout || context.timeout <= limits.max_timeout"];
    let denied = decide(
        &condition,
        json!({ "max_timeout": 0 }),
        json!({ "timeout": 5 }),
    );
    assert!(
        denied[0].starts_with("oap.refused") && denied[0].contains('5'),
        "{denied:?}"
    );
    assert!(decide(&condition, json!({}), json!({ "timeout": 5 })).is_empty());
    assert!(
        decide(
            &condition,
            json!({ "max_timeout": 5 }),
            json!({ "timeout": 5 })
        )
        .is_empty()
    );
    // On the other side a zero grants nothing either.
    let grants = [
        "limits.extra || context.size <= 1",
        "context.size <= 9 + limits.extra",
    ];
    assert!(!decide(&grants, json!({ "extra": 0 }), json!({ "size": 5 })).is_empty());
    assert!(decide(&grants, json!({ "extra": 1 }), json!({ "size": 5 })).is_empty());
}

#[test]
fn what_is_empty_or_zero_in_the_context_does_not_help_the_call() {
    let checks = ["context.checks and all(check in limits.known for check in context.checks)"];
    let limits = json!({ "known": ["schema"] });
    assert!(decide(&checks, limits.clone(), json!({ "checks": ["schema"] })).is_empty());
    assert!(!decide(&checks, limits.clone(), json!({ "checks": [] })).is_empty());
    assert!(!decide(&checks, limits, json!({})).is_empty());
    let tags = ["!context.tags || limits.tagged"];
    assert!(!decide(&tags, json!({ "tagged": false }), json!({ "tags": [] })).is_empty());
    assert!(decide(&tags, json!({ "tagged": false }), json!({})).is_empty());
    let score = ["not context.score or context.score >= limits.least"];
    assert!(!decide(&score, json!({ "least": 0.8 }), json!({ "score": 0 })).is_empty());
    assert!(decide(&score, json!({ "least": 0.8 }), json!({ "score": 0.9 })).is_empty());
    assert!(decide(&score, json!({ "least": 0.8 }), json!({})).is_empty());
    let either = ["(!context.tags) == true"];
    assert!(decide(&either, json!({}), json!({ "tags": [] }))[0].starts_with("oap.policy_error"));
}

#[test]
fn a_text_is_no_list_of_what_a_limit_allows() {
    for condition in [
        "limits.tools.includes(context.tool)",
        "limits.tools contains context.tool",
        "context.tool in limits.tools",
    ] {
        let context = json!({ "tool": "port" });
        let denied = decide(
            &[condition],
            json!({ "tools": "import,export" }),
            context.clone(),
        );
        assert!(
            denied[0].starts_with("oap.policy_error"),
            "{condition}: {denied:?}"
        );
        assert!(decide(&[condition], json!({ "tools": ["port"] }), context).is_empty());
    }
    // Patterns of a list are texts, and may be searched.
    let patterns = ["!limits.blocked.some(text => text.includes(context.tool))"];
    assert!(
        !decide(
            &patterns,
            json!({ "blocked": ["export"] }),
            json!({ "tool": "port" })
        )
        .is_empty()
    );
}

#[test]
fn a_limit_of_another_type_than_the_value_is_neither_equal_nor_different() {
    for condition in [
        "context.level != limits.blocked_level",
        "!(context.level == limits.blocked_level)",
    ] {
        let context = json!({ "level": 5 });
        let denied = decide(
            &[condition],
            json!({ "blocked_level": "5" }),
            context.clone(),
        );
        assert!(
            denied[0].starts_with("oap.policy_error"),
            "{condition}: {denied:?}"
        );
        assert!(decide(&[condition], json!({ "blocked_level": 4 }), context).is_empty());
    }
}

#[test]
fn codes_of_a_flag_of_the_wrong_type_come_beside_those_of_other_rules() {
    let setting = Setting::new(
        rules(&["limits.open", "context.size <= limits.max"]),
        json!({ "acme.thing": { "open": "yes", "max": 1 } }),
    );
    let answer = setting.decide(&json!({ "size": 2 }));
    assert_eq!(codes(&answer), ["oap.policy_error", "oap.refused"]);
}

#[test]
fn of_a_limit_by_two_names_the_narrower_counts() {
    let rows = |limits: Value, rows: u64| {
        let pack = rules(&["context.rows <= limits.max_export_rows"]);
        Setting::new(pack, limits)
            .decide(&json!({ "rows": rows }))
            .allow
    };
    for (limits, most) in [
        (json!({ "acme.thing": { "max_export_rows": 1000 } }), 1000),
        (json!({ "acme.thing": { "max_rows": 100 } }), 100),
        (
            json!({ "acme.thing": { "max_export_rows": 1000, "max_rows": 100 } }),
            100,
        ),
        (
            json!({ "acme.thing": { "max_export_rows": 100, "max_rows": 1000 } }),
            100,
        ),
        (json!({ "max_export_rows": 1000, "max_rows": 100 }), 100),
        (
            json!({ "acme": { "thing": { "max_export_rows": 1000, "max_rows": 100 } } }),
            100,
        ),
        // The nearer place speaks, by whichever name.
        (
            json!({ "acme.thing": { "max_rows": 100 }, "max_export_rows": 1000 }),
            100,
        ),
        (
            json!({ "acme.thing": { "max_rows": 1000 }, "max_export_rows": 100 }),
            1000,
        ),
    ] {
        assert!(rows(limits.clone(), most), "{limits}");
        assert!(!rows(limits.clone(), most + 1), "{limits}");
    }
    assert!(!rows(
        json!({ "acme.thing": { "max_export_rows": 1000, "max_rows": "100" } }),
        1
    ));
    let reasons = |limits: Value, reason: &str| {
        let pack = rules(&["context.reason in limits.refund_reason_codes"]);
        Setting::new(pack, limits)
            .decide(&json!({ "reason": reason }))
            .allow
    };
    let both =
        json!({ "acme.thing": { "refund_reason_codes": ["a", "b"], "reason_codes": ["b", "c"] } });
    assert!(reasons(both.clone(), "b"));
    assert!(!reasons(both.clone(), "a") && !reasons(both, "c"));
}

#[test]
fn the_keys_of_an_object_are_no_list_except_where_currencies_have_limits() {
    let context = json!({ "code": "fraud", "currency": "USD", "codes": ["fraud"] });
    for condition in [
        "context.code in limits.codes",
        "limits.codes.includes(context.code)",
        "limits.codes contains context.code",
        "context.code not in limits.others",
        "any(c in limits.codes for c in context.codes)",
        "context.code in context.table",
    ] {
        let limits = json!({ "codes": { "fraud": false }, "others": { "x": 1 } });
        let mut context = context.clone();
        context["table"] = json!({ "fraud": 1 });
        let denied = decide(&[condition], limits, context);
        assert!(
            denied[0].starts_with("oap.policy_error") && denied[0].contains("an object"),
            "{condition}: {denied:?}"
        );
    }
    let limits = json!({ "currency_limits": { "USD": { "max_per_tx": 1 } } });
    for condition in [
        "context.currency in limits.supported_currencies",
        "context.currency in limits.currency_limits",
        "limits.currency_limits.includes(context.currency)",
    ] {
        assert!(
            decide(&[condition], limits.clone(), context.clone()).is_empty(),
            "{condition}"
        );
    }
    let passport = json!({
        "passport_id": "ap_tester", "spec_version": "oap/1.0", "owner_id": "org_1", "status": "active",
        "assurance_level": "L2", "capabilities": [{ "id": "acme.thing" }],
        "limits": { "acme.thing": { "codes": { "fraud": false }, "currency_limits": { "USD": {} } } }
    });
    let setting = Setting::new(
        rules(&[
            "context.code in limits.codes",
            "context.currency in limits.currency_limits",
        ]),
        json!({}),
    );
    let findings =
        aport_gate_oap::Passport::check_under(passport.to_string().as_bytes(), &[&setting.pack]);
    let errors: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity == aport_gate_oap::Severity::Error)
        .map(|finding| finding.path.as_str())
        .collect();
    assert_eq!(errors, ["limits[\"acme.thing\"].codes"], "{findings:?}");
}
