//! Time, usage and reading of a case.

use serde_json::{Value, json};

use super::{limit_rule, pack, passport, replay, replay_with};
use crate::support::{Place, in_crate};

#[test]
fn a_case_is_judged_at_its_own_time() {
    let mut expired = passport();
    expired["expires_at"] = json!("2025-06-01T00:00:00Z");
    let replay = |context: &str, expected: &str, more: &[&str]| {
        replay_with(&pack(limit_rule()), &expired, context, expected, more)
    };
    replay(
        r#"{"n":1}"#,
        r#"{"allow":true,"created_at":"2025-05-31T23:59:59Z"}"#,
        &[],
    )
    .exits(0);
    replay(
        r#"{"n":1}"#,
        r#"{"allow":true,"issued_at":"2025-06-01T00:00:00Z"}"#,
        &[],
    )
    .exits(1);
    replay(
        r#"{"context":{"n":1},"now":"2025-01-01T00:00:00Z"}"#,
        r#"{"allow":true}"#,
        &[],
    )
    .exits(0);
    replay(
        r#"{"n":1}"#,
        r#"{"allow":true}"#,
        &["--now", "2025-01-01T00:00:00Z"],
    )
    .exits(0);
    let answer = replay(r#"{"n":1}"#, r#"{"allow":true}"#, &[]).exits(1);
    assert!(answer.contains("oap.passport_expired"), "{answer}");
}

#[test]
fn each_case_starts_from_an_empty_ledger_or_its_own_usage() {
    let rules = json!([{ "name": "cap", "condition": "daily_count < 1", "deny_code": "oap.limit_exceeded" }]);
    let contexts = "{\"n\":1}\n{\"n\":1}\n{\"context\":{\"n\":1},\"usage\":{\"daily_count\":1}}";
    let expected = "{\"allow\":true}\n{\"allow\":true}\n{\"allow\":false}";
    replay_with(&pack(rules.clone()), &passport(), contexts, expected, &[]).exits(0);
    let unknown = r#"{"context":{"n":1},"usage":{"daily_sum":1}}"#;
    let error = replay_with(&pack(rules), &passport(), unknown, r#"{"allow":true}"#, &[]).fails();
    assert!(error.contains("usage.daily_sum"), "{error}");
}

#[test]
fn usage_of_other_kinds_of_call_may_be_told_and_does_not_count() {
    let rules = json!([
        { "name": "cap", "condition": "daily_merge_count < limits.max_merges_per_day", "deny_code": "oap.limit_exceeded" },
    ]);
    let mut document: Value = serde_json::from_str(&pack(rules)).unwrap();
    let action = json!({ "type": "string", "enum": ["pr.create", "pr.merge"] });
    document["required_context"]["properties"]["action"] = action;
    document.as_object_mut().unwrap().remove("counters");
    let mut holder = passport();
    holder["limits"]["thing.do"]["max_merges_per_day"] = json!(2);
    let case = |action: &str| {
        json!({ "context": { "n": 1, "action": action }, "usage": { "daily_merge_count": 2 } })
            .to_string()
    };
    let contexts = format!("{}\n{}", case("pr.create"), case("pr.merge"));
    let expected = "{\"allow\":true}\n{\"allow\":false}";
    replay_with(&document.to_string(), &holder, &contexts, expected, &[]).exits(0);
}

#[test]
fn absent_fields_are_read_as_told() {
    let rules =
        json!([{ "name": "m", "condition": "context.m <= 3", "deny_code": "oap.limit_exceeded" }]);
    let mut document: Value = serde_json::from_str(&pack(rules)).unwrap();
    document["required_context"]["properties"]["m"] = json!({ "type": "integer" });
    let replay = |more: &[&str]| {
        replay_with(
            &document.to_string(),
            &passport(),
            r#"{"n":1}"#,
            r#"{"allow":true}"#,
            more,
        )
    };
    replay(&[]).exits(1);
    replay(&["--absent", "deny"]).exits(1);
    replay(&["--absent", "skip"]).exits(0);
}

#[test]
fn a_rule_that_cannot_be_evaluated_denies_until_it_is_waived() {
    let rules = json!([{ "name": "prose", "condition": "The agent must be friendly", "deny_code": "oap.x" }]);
    let replay = |more: &[&str]| {
        replay_with(
            &pack(rules.clone()),
            &passport(),
            r#"{"n":1}"#,
            r#"{"allow":true}"#,
            more,
        )
    };
    let run = replay(&[]);
    assert!(run.stderr.contains("--waive prose"), "{run:?}");
    assert!(run.exits(1).contains("oap.policy_error"));
    replay(&["--waive", "prose"]).exits(0);
    let error = replay(&["--waive", "prosa"]).fails();
    assert!(
        error.contains("`prosa`") && error.contains("prose"),
        "{error}"
    );
}

#[test]
fn usage_may_stand_in_the_context_as_published_vectors_have_it() {
    let rules = json!([{ "name": "cap", "condition": "daily_count < 3", "deny_code": "oap.limit_exceeded" }]);
    let contexts = "{\"n\":1,\"daily_count\":2}\n{\"n\":1,\"daily_count\":3}\n\
                    {\"context\":{\"n\":1,\"daily_count\":0},\"usage\":{\"daily_count\":3}}";
    let expected = "{\"allow\":true}\n{\"allow\":false}\n{\"allow\":false}";
    replay_with(&pack(rules), &passport(), contexts, expected, &[]).exits(0);
    let refund = |keys: &str, allow: bool| {
        let context = json!({
            "order_id": "o", "customer_id": "c", "amount": 1, "currency": "USD", "region": "US",
            "reason_code": "customer_request", "idempotency_key": "key-0001", "recent_keys": [keys],
        });
        let place = Place::new();
        let contexts = place.write("contexts.jsonl", context.to_string());
        let expected = place.write("expected.jsonl", json!({ "allow": allow }).to_string());
        let pack = "finance.payment.refund.v1";
        let vectors = in_crate("oap/packs/vectors");
        let arguments = ["policy", "test", pack, "--vectors", &vectors];
        let files = ["--contexts", &contexts, "--expected", &expected];
        place.run(&[&arguments[..], &files[..]].concat()).exits(0);
    };
    refund("key-0001", false);
    refund("key-0002", true);
}

#[test]
fn what_a_gate_refuses_before_it_asks_is_a_deny() {
    let contexts = r#"{"n":1,"more":9007199254740993}"#;
    let answer = replay(contexts, r#"{"allow":true}"#, &[]).exits(1);
    assert!(answer.contains("2^53"), "{answer}");
}

#[test]
fn a_key_that_means_nothing_in_a_case_is_an_error_that_names_it() {
    for (context, named) in [
        (
            r#"{"context":{"n":1},"overridepassport":{"status":"suspended"}}"#,
            "`overridepassport`",
        ),
        (r#"{"context":{"n":1},"usge":{"daily_count":1}}"#, "`usge`"),
        (
            r#"{"context":{"n":1},"Now":"2025-01-01T00:00:00Z"}"#,
            "`Now`",
        ),
        (
            r#"{"n":1,"overridepassport":{"status":"suspended"}}"#,
            "`overridepassport`",
        ),
        (r#"{"n":1,"usage":{"daily_count":1}}"#, "`usage`"),
        (
            r#"{"context":{"n":1},"overridePassport":{"statuss":"suspended"}}"#,
            "did you mean `status`?",
        ),
    ] {
        let run = replay_with(
            &pack(limit_rule()),
            &passport(),
            context,
            r#"{"allow":true}"#,
            &[],
        );
        let error = run.fails();
        assert!(
            error.contains(named) && error.contains("case at"),
            "{error}"
        );
    }
    let told = r#"{"name":"a","id":7,"tags":["smoke"],"policy_id":"test.thing.do.v1","description":"why","context":{"n":1},
        "expected":{"allow":true},"$note":1}"#;
    let told = &told.replace('\n', "");
    replay_with(
        &pack(limit_rule()),
        &passport(),
        told,
        r#"{"allow":true}"#,
        &[],
    )
    .exits(0);
}
