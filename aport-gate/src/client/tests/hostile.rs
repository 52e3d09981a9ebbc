//! Denials that lie, and what a client makes of them.

use rmcp::model::CallToolResult;
use serde_json::{Value, json};

use super::arguments;
use crate::client::{ClientError, Denial, DenialClass, Strategy, reply};

fn refused(decision: Value) -> ClientError {
    let result = json!({ "content": [{ "type": "text", "text": "no\u{1b}[2J" }], "isError": true,
        "_meta": { "io.aport/decision": decision } });
    let result: CallToolResult = serde_json::from_value(result).unwrap();
    reply::read("refund", arguments(json!({})), result).unwrap_err()
}

fn denial(reasons: Value) -> Denial {
    let error = refused(json!({ "allow": false, "reasons": reasons }));
    error.denial().unwrap().clone()
}

fn over(actual: Value, limit: Value) -> Value {
    json!([{ "code": "oap.limit_exceeded", "message": "m",
        "details": { "rule": "r", "field": "amount", "actual": actual, "limit": limit } }])
}

#[test]
fn a_denial_stays_one_whatever_types_its_parts_have() {
    for decision in [
        json!({ "allow": false }),
        json!({ "allow": false, "reasons": "none", "decision_id": 7 }),
        json!({ "allow": false, "reasons": [1, null, { "code": 5 }, { "code": "oap.x", "details": [] }] }),
        json!({ "allow": false, "reasons": [{ "code": "oap.x", "details": { "field": {}, "limit": { "a": 1 } } }] }),
    ] {
        let error = refused(decision.clone());
        assert!(
            matches!(error, ClientError::Denied(_)),
            "{decision}: {error:?}"
        );
        assert_eq!(
            error.denial().unwrap().class(),
            DenialClass::Final,
            "{decision}"
        );
    }
}

#[test]
fn what_a_denial_says_is_cut_and_of_one_line() {
    let long = "x".repeat(1 << 20);
    let reasons: Vec<Value> = (0..10_000)
        .map(|_| json!({ "code": long, "message": "a\nb\u{1b}", "details": { "limit": [long] } }))
        .take(300)
        .collect();
    let denial = denial(Value::Array(reasons));
    assert_eq!(denial.reasons.len(), 100);
    assert!(serde_json::to_string(&denial).unwrap().len() < 400_000);
    assert_eq!(denial.reasons[0].message, "a b ");
    assert!(!denial.text.contains('\u{1b}'));
}

#[test]
fn no_limit_makes_a_client_ask_for_more_or_for_nonsense() {
    for (actual, limit) in [
        (json!(100), json!(1_000_000)),
        (json!(-5), json!(100)),
        (json!(100), json!("NaN")),
        (json!(100), json!("1e999")),
        (json!(100), json!(1e308)),
        (json!(u64::MAX), json!(0)),
        (json!(i64::MIN), json!(u64::MAX)),
        (json!(100), json!(-1)),
        (json!("100"), json!(50)),
        (json!(100.5), json!(0.1)),
    ] {
        let denial = denial(over(actual.clone(), limit.clone()));
        let asked = arguments(json!({ "amount": 100 }));
        let adjusted = Strategy::ClampToLimit.adjust(&denial, &asked).unwrap();
        if let Some(adjusted) = adjusted {
            let amount = adjusted["amount"].as_i64().unwrap();
            assert!(
                (1..=100).contains(&amount),
                "{actual} over {limit}: {amount}"
            );
        }
    }
}

#[test]
fn a_whole_number_stays_one_under_a_fractional_limit() {
    let denial = denial(over(json!(100), json!(49.75)));
    let asked = arguments(json!({ "amount": 100 }));
    let adjusted = Strategy::ClampToLimit.adjust(&denial, &asked).unwrap();
    assert_eq!(adjusted.unwrap()["amount"], json!(49));
}

#[test]
fn denials_are_final_adjustable_or_transient_by_their_hardest_reason() {
    let plain = |code: &str| json!({ "code": code, "message": "m" });
    let limit = over(json!(100), json!(50))[0].clone();
    let list = json!({ "code": "oap.currency_unsupported", "details":
        { "field": "currency", "actual": "XXX", "limit": ["USD"] } });
    let window = json!({ "code": "oap.limit_exceeded", "details":
        { "rule": "per_minute", "used": 5, "cap": 5, "limit": 0, "actual": 1, "retry_after": 30 } });
    // As the gate writes them: calls counted over a day, a sum of which nothing and of which all is left.
    let merges = json!({ "code": "oap.limit_exceeded", "details": { "rule": "daily_merge_cap",
        "field": "daily_merge_count", "actual": 3, "limit": 3, "used": 3, "cap": 3 } });
    let spent = json!({ "code": "oap.limit_exceeded", "details": { "rule": "daily_cap",
        "field": "amount", "actual": 50, "limit": 0, "used": 900, "cap": 900 } });
    let over_cap = json!({ "code": "oap.limit_exceeded", "details": { "rule": "daily_cap",
        "field": "amount", "actual": 950, "limit": 900, "used": 0, "cap": 900 } });
    for (reasons, class) in [
        (json!([limit]), DenialClass::Adjustable),
        (json!([list]), DenialClass::Adjustable),
        (json!([limit, list]), DenialClass::Adjustable),
        (
            json!([limit, plain("oap.assurance_insufficient")]),
            DenialClass::Adjustable,
        ),
        (
            json!([plain("oap.assurance_insufficient")]),
            DenialClass::Final,
        ),
        (
            json!([limit, plain("oap.passport_suspended")]),
            DenialClass::Final,
        ),
        (
            json!([limit, plain("oap.idempotency_conflict")]),
            DenialClass::Final,
        ),
        (json!([plain("oap.unknown_capability")]), DenialClass::Final),
        (json!([merges]), DenialClass::Transient),
        (json!([spent]), DenialClass::Transient),
        (json!([over_cap]), DenialClass::Adjustable),
        (json!([window]), DenialClass::Transient),
        (json!([window, limit]), DenialClass::Transient),
        (json!([plain("gate.timeout")]), DenialClass::Transient),
        (
            json!([plain("gate.registry_unauthorized")]),
            DenialClass::Final,
        ),
        (
            json!([plain("gate.timeout"), plain("gate.agent_id_conflict")]),
            DenialClass::Final,
        ),
        (over(json!(100), json!(0)), DenialClass::Final),
        (json!([]), DenialClass::Final),
    ] {
        assert_eq!(denial(reasons.clone()).class(), class, "{reasons}");
    }
    let waits = denial(json!([{ "code": "oap.x", "details": { "retry_after": u64::MAX } }]));
    assert_eq!(waits.retry_after().unwrap().as_secs(), 24 * 60 * 60);
}

#[test]
fn a_full_window_says_when_it_is_over() {
    let now = "2026-03-01T22:58:30Z".parse().unwrap();
    for (counter, seconds) in [
        ("minute_count", Some(31)),
        ("exports_count_per_hour", Some(91)),
        ("daily_merge_count", Some(3691)),
        ("so_far", None),
    ] {
        let full = denial(json!([{ "code": "oap.limit_exceeded", "details": {
            "rule": "cap", "field": counter, "actual": 3, "limit": 3, "used": 3, "cap": 3 } }]));
        let wait = full.retry_after_at(now).map(|wait| wait.as_secs());
        assert_eq!(wait, seconds, "{counter}");
        assert!(
            Strategy::Halve {
                field: "amount".into()
            }
            .adjust(&full, &arguments(json!({ "amount": 100 })))
            .unwrap()
            .is_none()
        );
    }
}
