//! Completed tasks.

use crate::setting::{allows, denies};
use serde_json::{Value, json};

fn attested(attestations: Value) -> Value {
    json!({ "criteria_attestations": attestations })
}

#[test]
fn evidence_says_something() {
    let name = "validateDeliverableCriteriaEvidence";
    let one = |evidence: Value| {
        attested(json!([{ "criterion_id": "a", "met": true, "evidence": evidence }]))
    };
    allows(
        name,
        &json!({}),
        &[one(json!("CI run 7")), attested(json!([]))],
    );
    denies(
        name,
        &json!({}),
        &[
            one(json!("")),
            one(json!(" \n")),
            one(json!("\u{200b}")),
            one(json!("--")),
            one(json!(7)),
            attested(json!([{ "criterion_id": "a" }])),
            json!({}),
        ],
        "oap.refused",
    );
    denies(
        name,
        &json!({}),
        &[attested(json!("x")), attested(json!([1]))],
        "oap.policy_error",
    );
}

#[test]
fn every_attestation_is_met() {
    let name = "validateDeliverableCriteriaMet";
    let met = |met: Value| {
        attested(json!([{ "criterion_id": "a", "met": true }, { "criterion_id": "b", "met": met }]))
    };
    allows(name, &json!({}), &[met(json!(true)), attested(json!([]))]);
    denies(
        name,
        &json!({}),
        &[
            met(json!(false)),
            met(json!("true")),
            met(json!(1)),
            met(Value::Null),
        ],
        "oap.refused",
    );
}

#[test]
fn a_summary_has_the_words_asked_for() {
    let name = "validateDeliverableSummaryWords";
    let limits = json!({ "require_summary": true, "min_summary_words": 3 });
    allows(name, &limits, &[json!({ "summary": "one  two\nthree" })]);
    denies(
        name,
        &limits,
        &[
            json!({ "summary": "one two" }),
            json!({ "summary": "- - - - one" }),
            json!({}),
            json!({ "summary": null }),
        ],
        "oap.refused",
    );
    denies(
        name,
        &json!({ "require_summary": true }),
        &[json!({}), json!({ "summary": " " })],
        "oap.refused",
    );
    allows(
        name,
        &json!({ "require_summary": false, "min_summary_words": 3 }),
        &[json!({}), json!({ "summary": "one" })],
    );
    allows(name, &json!({ "min_summary_words": 3 }), &[json!({})]);
    denies(
        name,
        &json!({ "min_summary_words": 3 }),
        &[json!({ "summary": "one" })],
        "oap.refused",
    );
    allows(name, &json!({}), &[json!({})]);
    denies(
        name,
        &json!({ "require_summary": 1 }),
        &[json!({ "summary": "x" })],
        "oap.policy_error",
    );
}

#[test]
fn tests_pass_where_that_is_required() {
    let name = "validateDeliverableTestsPassing";
    let limits = json!({ "require_tests_passing": true });
    allows(name, &limits, &[json!({ "tests_passing": true })]);
    denies(
        name,
        &limits,
        &[json!({ "tests_passing": false }), json!({})],
        "oap.refused",
    );
    denies(
        name,
        &limits,
        &[json!({ "tests_passing": "true" })],
        "oap.policy_error",
    );
    allows(
        name,
        &json!({}),
        &[json!({ "tests_passing": false }), json!({})],
    );
}

#[test]
fn output_is_scanned_where_the_passport_says_so() {
    let name = "validateDeliverableBlockedPatterns";
    let out = |text: &str| json!({ "output_content": text });
    let limits = json!({ "scan_output": true, "blocked_patterns": ["TODO", "pass\\w+ = "] });
    allows(name, &limits, &[out("done"), json!({})]);
    denies(
        name,
        &limits,
        &[out("x // todo: y"), out("password = 1")],
        "oap.refused",
    );
    allows(
        name,
        &json!({ "blocked_patterns": ["TODO"] }),
        &[out("TODO")],
    );
    allows(
        name,
        &json!({ "scan_output": false, "blocked_patterns": ["TODO"] }),
        &[out("TODO")],
    );
    denies(
        name,
        &json!({ "scan_output": true }),
        &[out("FIXME later")],
        "oap.refused",
    );
}
