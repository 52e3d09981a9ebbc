//! Approval by a person.

use crate::setting::{codes, decide, document, pack, read, with};
use aport_gate_oap::{Outcome, Severity};
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
        json!({ "auto_approve_max": 50 }),
        json!({ "max_amount_without_approval": 50 }),
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
fn a_list_or_an_object_under_another_name_asks_and_limits_of_a_capability_do_not() {
    let ask = |limits: &Value| {
        let passport = read(&with("/limits", json!({ "acme.pay": limits })));
        decide(&pack(json!({})), &passport, &json!({ "amount": 1 }), None)
    };
    for limits in [
        json!({ "approval": { "required": true } }),
        json!({ "approval": { "enabled": true, "by": "finance" } }),
        json!({ "approval": { "above": 1000 } }),
        json!({ "approval_required_for": ["refund"] }),
        json!({ "approval": { "required_for": ["refund"], "for": ["refund"] } }),
        json!({ "approval_amounts": { "USD": 1000 } }),
    ] {
        assert_eq!(codes(&ask(&limits)), ["oap.approval_required"], "{limits}");
        let document = with("/limits", json!({ "acme.pay": limits }));
        let findings = aport_gate_oap::Passport::check(document.to_string().as_bytes());
        let told = |finding: &aport_gate_oap::Finding| {
            finding
                .message
                .contains("is read as `approval_required: true`")
        };
        assert!(findings.iter().any(told), "{limits}: {findings:?}");
    }
    for limits in [
        json!({ "approval": { "required": false } }),
        json!({ "approval": { "request": { "max": 5 } } }),
        json!({ "approval_required_for": [] }),
        json!({ "approval": {} }),
    ] {
        assert!(ask(&limits).allow, "{limits}");
    }
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

#[test]
fn a_request_of_a_pack_asks_in_whatever_form_it_is_written() {
    let passport = read(&document());
    let ask = |fields: &Value, amount: i64| {
        let context = json!({ "amount": amount, "currency": "USD" });
        decide(&pack(fields.clone()), &passport, &context, None)
    };
    for request in [
        json!({ "approval_required": true }),
        json!({ "approval_required": "true" }),
        json!({ "approval_required": "yes" }),
        json!({ "approval_required": ["x"] }),
        json!({ "approval_required": {} }),
        json!({ "approval_required": { "above": "10" } }),
        json!({ "approval_threshold": "10" }),
        json!({ "requires_approval": true }),
        json!({ "approvalRequired": 1 }),
        json!({ "aproval_required": true }),
        json!({ "approval": { "required": true } }),
    ] {
        let inside = [
            request.clone(),
            json!({ "enforcement": request }),
            json!({ "enforcement": [request] }),
            json!({ "mcp": request }),
        ];
        for fields in inside {
            let answer = ask(&fields, 1);
            assert_eq!(answer.outcome, Outcome::RequireReview, "{fields}");
            assert_eq!(codes(&answer), ["oap.approval_required"], "{fields}");
        }
    }
    for request in [
        json!({ "approval_required": 10 }),
        json!({ "approval_required": { "above": 10 } }),
        json!({ "approval_required": { "USD": 10 } }),
        json!({ "approval_threshold": 10 }),
        json!({ "enforcement": { "approval_required": { "above": 10 } } }),
        json!({ "approval_required": { "above": 1000 }, "enforcement": { "approval_limit": 10 } }),
    ] {
        assert!(ask(&request, 10).allow, "{request}");
        assert_eq!(
            ask(&request, 11).outcome,
            Outcome::RequireReview,
            "{request}"
        );
    }
    for request in [
        json!({ "approval_required": false }),
        json!({ "approval_required": null }),
        json!({ "requires_approval": false }),
        json!({ "enforcement": { "approval_required": false, "approval_limits_enforced": true } }),
        json!({ "limits_required": ["approval_required"] }),
    ] {
        assert!(ask(&request, 11).allow, "{request}");
    }
}

#[test]
fn the_limits_of_a_currency_ask_as_all_others_do() {
    let ask = |limits: Value, context: Value| {
        let passport = read(&with("/limits", json!({ "acme.pay": limits })));
        decide(&pack(json!({})), &passport, &context, None).outcome
    };
    let usd = json!({ "currency_limits": { "USD": { "approval_required": true }, "EUR": {} } });
    for currency in [
        json!("USD"),
        json!("usd"),
        json!("GBP"),
        json!(7),
        json!(null),
    ] {
        let context = json!({ "amount": 5, "currency": currency });
        assert_eq!(
            ask(usd.clone(), context),
            Outcome::RequireReview,
            "{currency}: a call that is in no other currency"
        );
    }
    assert_eq!(
        ask(usd.clone(), json!({ "amount": 5 })),
        Outcome::RequireReview
    );
    let euros = json!({ "amount": 5, "currency": "EUR" });
    assert_eq!(ask(usd, euros), Outcome::Allow);
    let above = json!({ "currency_limits": { "USD": { "approval_required": { "above": 10 } } } });
    for (amount, outcome) in [(10, Outcome::Allow), (11, Outcome::RequireReview)] {
        let context = json!({ "amount": amount, "currency": "USD" });
        assert_eq!(ask(above.clone(), context), outcome);
    }
}

#[test]
fn of_several_amounts_each_one_counts() {
    for limits in [
        json!({ "approval_required": { "threshold": 1000, "above": 100_000 } }),
        json!({ "approval_required": { "above": 100_000, "threshold": 1000 } }),
        json!({ "approval_required": { "max": 100_000, "min_amount": 1000 } }),
        json!({ "approval_required": { "above": 100_000, "USD": 1000 } }),
        json!({ "approval_threshold": 100_000, "auto_approve_limit": 1000 }),
        json!({ "approval_required": 100_000, "approval_threshold": 1000 }),
        json!({ "approval_threshold": 100_000, "currency_limits": { "USD": { "approval_threshold": 1000 } } }),
    ] {
        let passport = read(&with("/limits", json!({ "acme.pay": limits })));
        let ask = |amount: i64| {
            let context = json!({ "amount": amount, "currency": "USD" });
            decide(&pack(json!({})), &passport, &context, None).outcome
        };
        assert_eq!(ask(1000), Outcome::Allow, "{limits}");
        assert_eq!(ask(1001), Outcome::RequireReview, "{limits}");
    }
}

#[test]
fn a_limit_that_asks_under_another_name_asks_unless_a_rule_reads_it() {
    let passport = read(&with(
        "/limits",
        json!({ "acme.pay": { "requires_approval": true } }),
    ));
    let context = json!({ "amount": 5, "approved": true });
    let answer = decide(&pack(json!({})), &passport, &context, None);
    assert_eq!(answer.outcome, Outcome::RequireReview);
    let reads = json!({ "evaluation_rules": [{
        "name": "approved", "condition": "!limits.requires_approval || context.approved", "deny_code": "oap.no"
    }] });
    assert!(decide(&pack(reads), &passport, &context, None).allow);
    let other = json!({ "acme.pay": {}, "approval": { "request": { "max": 1 } } });
    let passport = read(&with("/limits", other));
    assert!(
        decide(&pack(json!({})), &passport, &context, None).allow,
        "limits of a capability `approval.request`"
    );
}

#[test]
fn an_allowlist_that_a_pack_asks_for_in_words_counts() {
    let mut passport = document();
    passport["mcp"] = json!({ "tools": ["other"] });
    for (flag, allow) in [
        (json!(true), false),
        (json!("true"), false),
        (json!(1), false),
        (json!(false), true),
        (json!(null), true),
    ] {
        let pack = pack(json!({ "mcp": { "require_allowlisted_if_present": flag } }));
        let answer = decide(&pack, &read(&passport), &json!({}), Some("pay"));
        assert_eq!(answer.allow, allow, "{flag}");
    }
}

#[test]
fn a_request_above_or_beside_the_limits_of_a_capability_asks_for_it() {
    let ask = |passport: &Value, amount: i64| {
        let context = json!({ "amount": amount, "currency": "USD" });
        decide(&pack(json!({})), &read(passport), &context, None).outcome
    };
    let pay = json!({ "max": 9 });
    for limits in [
        json!({ "acme.pay": pay, "acme": { "approval_required": true } }),
        json!({ "acme.pay": pay, "acme": { "approval_threshold": 1 } }),
        json!({ "acme.pay": pay, "approval_required": 1 }),
        json!({ "acme.pay": { "require_review": true } }),
        json!({ "acme.pay": { "approval_required": 1 } }),
    ] {
        let outcome = ask(&with("/limits", limits.clone()), 2);
        assert_eq!(outcome, Outcome::RequireReview, "{limits}");
    }
    for limits in [
        json!({ "acme.pay": { "approval_required": false }, "acme": { "approval_required": true } }),
        json!({ "acme.pay": pay, "acme.pay.refund": { "approval_required": true } }),
        json!({ "acme.pay": pay, "acme": { "ship": { "approval_required": true } } }),
    ] {
        let outcome = ask(&with("/limits", limits.clone()), 2);
        assert_eq!(outcome, Outcome::Allow, "{limits}");
    }
    let capability = json!({ "id": "acme.pay", "approval_required": { "above": 5 } });
    let passport = with("/capabilities/0", capability);
    assert_eq!(ask(&passport, 5), Outcome::Allow);
    assert_eq!(ask(&passport, 6), Outcome::RequireReview);
    assert_eq!(
        ask(&passport, -6),
        Outcome::RequireReview,
        "it goes the other way"
    );
    let mut passport = document();
    passport["approval_required"] = json!(true);
    assert_eq!(ask(&passport, 1), Outcome::RequireReview);
}

#[test]
fn a_check_tells_what_asks_in_a_way_that_was_hardly_meant() {
    let warned = |passport: &Value| {
        let found = aport_gate_oap::Passport::check(passport.to_string().as_bytes());
        assert!(found.iter().all(|one| one.severity == Severity::Warning));
        let told = found.into_iter().map(|one| (one.path, one.message));
        told.collect::<Vec<_>>()
    };
    for (value, message) in [
        (json!({ "approval_required": "no" }), "is not understood"),
        (json!({ "approval_threshold": false }), "is not understood"),
        (
            json!({ "requires_approval": true }),
            "is read as `approval_required: true`",
        ),
    ] {
        let found = warned(&with("/limits", json!({ "acme.pay": value })));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].0.starts_with("limits[\"acme.pay\"]."), "{found:?}");
        assert!(found[0].1.contains(message), "{found:?}");
    }
    for value in [
        json!({ "approval_required": true }),
        json!({ "approval_required": { "above": 5 }, "currency_limits": { "USD": { "approval_required": false } } }),
        json!({ "approval_threshold": { "USD": 5 }, "requires_approval": false }),
    ] {
        let found = warned(&with("/limits", json!({ "acme.pay": value })));
        assert_eq!(found, [], "{value}");
    }
    let mut passport = document();
    passport["approval_required"] = json!(true);
    let found = warned(&passport);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.contains("write it into `limits`"), "{found:?}");
}
