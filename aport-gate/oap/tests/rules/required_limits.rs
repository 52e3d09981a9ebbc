//! What a pack lists in `limits_required` a passport has to set, whatever reads it.

use crate::setting::{Setting, codes};
use aport_gate_oap::{Absent, Evaluation, Pack, Severity, Stage};
use serde_json::{Value, json};

fn pack(required: &[&str], rules: &[Value]) -> Value {
    json!({
        "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "absent": "skip",
        "limits_required": required, "evaluation_rules": rules
    })
}

fn validator(name: &str) -> Value {
    json!({ "name": name, "type": "custom_validator", "validator": name, "deny_code": "oap.refused" })
}

fn condition(condition: &str) -> Value {
    json!({ "name": "the_rule", "condition": condition, "deny_code": "oap.refused" })
}

fn decide(required: &[&str], rules: &[Value], limits: &Value, context: &Value) -> Evaluation {
    let setting = Setting::new(pack(required, rules), json!({ "acme.thing": limits }));
    let answer = setting.decide(context);
    let explanation = setting.explain(context);
    assert_eq!(explanation.reasons, answer.reasons);
    let told = |reason: &aport_gate_oap::Reason| {
        let mut steps = explanation.steps.iter();
        answer.allow || steps.any(|step| step.reasons.contains(reason))
    };
    assert!(answer.reasons.iter().all(told), "{explanation}");
    answer
}

#[test]
fn limits_of_a_validator_that_are_asked_for_have_to_be_set_each_of_them() {
    let required = ["max_tools_per_agent", "max_registrations_per_day"];
    let rules = [
        validator("validateToolUniqueness"),
        validator("validateToolNaming"),
    ];
    let context = json!({ "tool_name": "acme.look" });
    let ask = |limits: Value| decide(&required, &rules, &limits, &context);
    let denied = ask(json!({}));
    assert_eq!(codes(&denied), ["oap.limit_exceeded"; 2]);
    for (reason, name) in denied.reasons.iter().zip(required) {
        assert!(
            reason.message.contains(&format!("sets no `limits.{name}`")),
            "{reason:?}"
        );
        let details = reason.details.as_ref().unwrap();
        assert_eq!(details.rule, "validateToolUniqueness");
        assert_eq!(details.field, Some(format!("limits.{name}")));
    }
    for limits in [
        json!({ "max_tools_per_agent": 9 }),
        json!({ "max_tools_per_agent": 9, "max_registrations_per_day": null }),
        json!({ "max_registrations_per_day": 9 }),
    ] {
        assert_eq!(codes(&ask(limits)), ["oap.limit_exceeded"]);
    }
    assert!(ask(json!({ "max_tools_per_agent": 9, "max_registrations_per_day": 9 })).allow);
}

#[test]
fn a_limit_is_set_by_any_name_that_means_it() {
    for (rule, required, limits, context) in [
        (
            validator("validateWriteRateLimit"),
            "max_writes_per_hour",
            json!({ "write_rate_limit": 5 }),
            json!({}),
        ),
        (
            validator("validateWriteRateLimit"),
            "max_writes_per_hour",
            json!({ "rate_limits": { "writes_per_hour": 5 } }),
            json!({}),
        ),
        (
            validator("validateFilePathPatterns"),
            "blocked_patterns",
            json!({ "blocked_paths": ["/x"] }),
            json!({ "file_path": "/a" }),
        ),
        (
            validator("validateWorkingDirectory"),
            "allowed_directories",
            json!({ "allowed_paths": ["/a"] }),
            json!({ "cwd": "/a" }),
        ),
        (
            validator("validateFileContentSize"),
            "max_file_size_mb",
            json!({ "max_file_size_kb": 5 }),
            json!({ "content": "x" }),
        ),
        (
            condition("!limits.max_export_rows || rows <= limits.max_export_rows"),
            "max_export_rows",
            json!({ "max_rows": 5 }),
            json!({ "rows": 5 }),
        ),
        (
            condition("currency in limits.supported_currencies"),
            "supported_currencies",
            json!({ "currency_limits": { "USD": {} } }),
            json!({ "currency": "USD" }),
        ),
        (
            condition("!size || size <= limits.reports[kind].max_size"),
            "max_size",
            json!({ "reports": { "sales": { "max_size": 5 } } }),
            json!({ "kind": "sales" }),
        ),
    ] {
        let rules = std::slice::from_ref(&rule);
        let allowed = decide(&[required], rules, &limits, &context);
        assert!(allowed.allow, "{rule} {limits}: {:?}", allowed.reasons);
        let denied = decide(&[required], rules, &json!({}), &context);
        assert!(!denied.allow, "{rule}");
        assert!(decide(&[], rules, &limits, &context).allow, "{rule}");
    }
}

#[test]
fn another_limit_of_the_same_validator_is_none_in_its_place() {
    for (rule, required, limits) in [
        (
            "validateFilePathPatterns",
            "allowed_paths",
            json!({ "blocked_paths": ["/x"] }),
        ),
        (
            "validateWorkingDirectory",
            "allowed_directories",
            json!({ "blocked_directories": ["/x"] }),
        ),
        (
            "validateWriteRateLimit",
            "max_writes_per_hour",
            json!({ "max_writes_per_day": 5 }),
        ),
        (
            "validateToolCapabilities",
            "allowed_capabilities",
            json!({ "blocked_capabilities": ["x"] }),
        ),
    ] {
        let context = json!({ "file_path": "/a", "cwd": "/a", "capabilities": ["a"] });
        let denied = decide(&[required], &[validator(rule)], &limits, &context);
        assert_eq!(codes(&denied), ["oap.refused"], "{rule}");
        assert!(
            denied.reasons[0].message.contains(required),
            "{:?}",
            denied.reasons
        );
    }
}

#[test]
fn a_rule_that_passes_without_the_limit_does_not_let_its_absence_pass() {
    for guarded in [
        "!limits.max || context.size <= limits.max",
        "!context.size || context.size <= limits.max",
        "not has(limits.max) or context.size <= limits['max']",
    ] {
        let rules = [condition(guarded)];
        assert!(
            decide(
                &["max"],
                &rules,
                &json!({ "max": 5 }),
                &json!({ "size": 5 })
            )
            .allow
        );
        let denied = decide(&["max"], &rules, &json!({}), &json!({}));
        assert_eq!(codes(&denied), ["oap.refused"], "{guarded}");
        assert!(
            decide(&[], &rules, &json!({}), &json!({})).allow,
            "{guarded}"
        );
    }
}

#[test]
fn what_a_rule_has_told_to_be_missing_is_not_told_again() {
    let rules = [
        condition("context.size <= limits.max"),
        json!({ "name": "of_kind", "condition": "context.size <= limits.kinds[context.kind].most", "deny_code": "oap.kind" }),
    ];
    let context = json!({ "size": 1, "kind": "a" });
    let denied = decide(&["max", "kinds"], &rules, &json!({}), &context);
    assert_eq!(
        codes(&denied),
        ["oap.refused", "oap.kind"],
        "{:?}",
        denied.reasons
    );
}

#[test]
fn a_limit_that_nothing_reads_or_only_a_waived_rule_is_not_asked_for() {
    let json = pack(&["allowed_recipients"], &[condition("true")]);
    assert!(
        Setting::new(json.clone(), json!({}))
            .decide(&json!({}))
            .allow
    );
    let findings = Pack::check(json.to_string().as_bytes());
    assert!(findings.iter().any(|finding| {
        finding.severity == Severity::Warning
            && finding
                .message
                .contains("`allowed_recipients` is asked for but no rule reads it")
    }));
    let json = pack(&["max"], &[condition("!limits.max || size <= limits.max")]);
    let mut setting = Setting::new(json, json!({}));
    assert!(!setting.decide(&json!({ "size": 1 })).allow);
    setting.pack = setting.pack.clone().with_waived("the_rule").unwrap();
    assert!(setting.decide(&json!({ "size": 1 })).allow);
}

#[test]
fn under_each_spelling_and_reading_of_absent_fields_the_limit_counts() {
    let json = pack(&["max"], &[condition("!limits.max || size <= limits.max")]);
    let nested = json!({ "acme": { "thing": { "max": 5 } } });
    assert!(
        Setting::new(json.clone(), nested)
            .decide(&json!({ "size": 1 }))
            .allow
    );
    let one = json!({ "acme.thing.max": 5 });
    assert!(
        Setting::new(json.clone(), one)
            .decide(&json!({ "size": 1 }))
            .allow
    );
    let root = json!({ "max": 5 });
    assert!(
        Setting::new(json.clone(), root)
            .decide(&json!({ "size": 1 }))
            .allow
    );
    let mut setting = Setting::new(json, json!({}));
    setting.pack = setting.pack.clone().with_absent(Absent::Deny);
    assert!(!setting.decide(&json!({ "size": 1 })).allow);
    let explanation = setting.explain(&json!({ "size": 1 }));
    assert!(
        explanation
            .steps
            .iter()
            .any(|step| step.stage == Stage::RequiredLimits)
    );
}
