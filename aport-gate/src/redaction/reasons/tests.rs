//! Every kind of reason, over a pack whose rules read a redacted field in many ways.

use super::*;
use crate::redaction::RedactionKeyFile;
use aport_gate_oap::digest_json;
use serde_json::{Value, json};

fn pack() -> Pack {
    let rule = |name: &str, condition: &str| {
        json!({"name": name, "condition": condition, "deny_code": "acme.denied",
            "description": "the door opens", "message": "{field} is {actual}, not {limit}"})
    };
    let json = json!({
        "id": "acme.door.v1", "name": "Doors", "version": "1.0.0",
        "requires_capabilities": ["acme.door"],
        "evaluation_rules": [
            rule("by_code", "context.code in limits.codes"),
            rule("by_door", "context.door in limits.doors"),
            rule("computed", "context.door.length < context.code.length"),
        ]
    });
    Pack::parse(json.to_string().as_bytes()).unwrap()
}

fn reason(code: &str, rule: &str, field: Option<&str>) -> Reason {
    Reason {
        code: code.to_owned(),
        message: "it says 1".to_owned(),
        details: Some(ReasonDetails {
            rule: rule.to_owned(),
            field: field.map(str::to_owned),
            actual: Some(json!(1)),
            limit: Some(json!(1)),
            used: Some(json!(1)),
            cap: Some(json!(1)),
        }),
    }
}

fn redacted_reason(mut reason: Reason) -> (Reason, bool) {
    let before = reason.clone();
    let home = tempfile::tempdir().unwrap();
    let file = RedactionKeyFile::new(home.path().to_owned());
    let redacted = file.redacted(&["code"]).unwrap().unwrap();
    let digest = digest_json(&json!({})).unwrap();
    redact(
        std::slice::from_mut(&mut reason),
        &pack(),
        &redacted,
        digest,
    );
    let same = reason == before;
    (reason, same)
}

#[test]
fn a_reason_that_may_quote_the_field_holds_no_value_of_any_length() {
    for found in [
        reason("acme.denied", "by_code", Some("context.code")),
        // Computed from it, and about another field.
        reason("acme.denied", "computed", Some("door.length")),
        reason("oap.invalid_context", "required_context", Some("code")),
        reason("oap.invalid_context", "required_context", Some("code.1.x")),
        reason("oap.invalid_context", "required_context", Some("context")),
        reason("oap.invalid_context", "required_context", None),
        reason("oap.policy_error", "no_rule_of_this_name", Some("door")),
    ] {
        let (shown, _) = redacted_reason(found.clone());
        assert!(!shown.message.contains('1'), "{found:?}: {shown:?}");
        let details = shown.details.unwrap();
        assert_eq!(
            (details.limit, details.used, details.cap),
            (None, None, None)
        );
        let actual = details.actual.as_ref().and_then(Value::as_str).unwrap();
        assert!(actual.starts_with("hmac-sha256:"), "{actual}");
        assert_ne!(details.field.as_deref(), Some("code.1.x"));
    }
}

#[test]
fn a_reason_without_details_is_kept_only_where_it_is_about_the_passport() {
    let plain = |code: &str| Reason {
        details: None,
        ..reason(code, "", None)
    };
    for (code, kept) in [
        ("oap.passport_suspended", true),
        ("oap.assurance_insufficient", true),
        ("oap.region_blocked", true),
        ("oap.mcp_not_allowed", false),
        ("oap.limit_exceeded", false),
    ] {
        assert_eq!(redacted_reason(plain(code)).1, kept, "{code}");
    }
}

#[test]
fn a_reason_about_other_fields_keeps_its_numbers() {
    assert!(redacted_reason(reason("acme.denied", "by_door", Some("door"))).1);
    assert!(
        redacted_reason(reason(
            "oap.invalid_context",
            "required_context",
            Some("door")
        ))
        .1
    );
}

#[test]
fn what_is_to_be_approved_has_the_digest_that_the_decision_has() {
    let (shown, _) = redacted_reason(reason("oap.approval_required", "approval", Some("amount")));
    let digest = digest_json(&json!({})).unwrap().to_string();
    assert!(shown.message.contains(&digest), "{shown:?}");
    assert!(!shown.message.contains("it says"), "{shown:?}");
}
