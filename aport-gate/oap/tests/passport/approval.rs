//! Approval by a person.

use crate::setting::{codes, decide, pack, read, with};
use aport_gate_oap::Outcome;
use serde_json::{Value, json};

#[test]
fn approval_is_asked_for_always_or_above_an_amount() {
    let ask = |limits: Value, context: &Value| {
        let passport = read(&with("/limits", json!({ "acme.pay": limits })));
        decide(&pack(json!({})), &passport, context, None)
    };
    let (small, large) = (
        json!({ "amount": 50, "currency": "USD" }),
        json!({ "amount": 51, "currency": "USD" }),
    );
    for limits in [
        json!({ "approval_required": 50 }),
        json!({ "approval_required": { "above": 50 } }),
        json!({ "approval_required": { "USD": 50 } }),
        json!({ "approval_threshold": 50 }),
        json!({ "approval_limit": { "USD": 50 } }),
        json!({ "currency_limits": { "USD": { "approval_required_above": 50 } } }),
        json!({ "approval_required": false, "approval_threshold": 50 }),
    ] {
        assert!(ask(limits.clone(), &small).allow, "{limits}");
        let held = ask(limits.clone(), &large);
        assert_eq!(
            (held.outcome, codes(&held)),
            (Outcome::RequireReview, vec!["oap.approval_required"]),
            "{limits}"
        );
        let details = held.reasons[0].details.as_ref().unwrap();
        assert_eq!(
            (details.actual.clone(), details.limit.clone()),
            (Some(json!(51)), Some(json!(50)))
        );
        let digest = aport_gate_oap::digest_json(&large).unwrap().to_string();
        assert!(
            held.reasons[0]
                .message
                .contains("amount 51 is over the approval limit 50"),
            "{:?}",
            held.reasons
        );
        assert!(held.reasons[0].message.contains(&digest));
        assert!(held.charges.is_empty() && held.idempotency_key.is_none());
        let unknown = ask(limits, &json!({ "currency": "USD" }));
        assert_eq!(
            unknown.outcome,
            Outcome::RequireReview,
            "an amount that is not known needs a person"
        );
    }
    for limits in [
        json!({ "approval_required": true }),
        json!({ "approval_required": "always" }),
        json!({ "approval_required": { "EUR": 50 } }),
    ] {
        assert_eq!(ask(limits, &small).outcome, Outcome::RequireReview);
    }
    assert!(ask(json!({ "approval_required": false }), &large).allow);
}

#[test]
fn an_approval_does_not_hide_a_denial() {
    let passport = read(&with(
        "/limits",
        json!({ "acme.pay": { "approval_required": true } }),
    ));
    let strict = pack(
        json!({ "evaluation_rules": [{ "name": "never", "condition": "false", "deny_code": "oap.no" }] }),
    );
    let answer = decide(&strict, &passport, &json!({}), None);
    assert_eq!(
        (answer.outcome, codes(&answer)),
        (Outcome::Deny, vec!["oap.no", "oap.approval_required"])
    );
}
