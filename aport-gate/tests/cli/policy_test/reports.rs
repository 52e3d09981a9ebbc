//! What is said.

use serde_json::json;

use super::{pack, passport, replay, replay_with};
use crate::support::Place;

#[test]
fn what_cannot_be_read_names_file_and_line() {
    for (contexts, expected, said) in [
        (
            "{\"n\":1}\n{\"n\":",
            "{\"allow\":true}",
            "contexts.jsonl` line 2",
        ),
        ("{\"n\":1,\"n\":2}", "{\"allow\":true}", "twice"),
        ("{\"n\":1}\n7", "{\"allow\":true}", "contexts.jsonl:2"),
        ("{\"n\":1}", "{\"alow\":true}", "expected.jsonl:1"),
        ("{\"context\":7}", "{\"allow\":true}", "contexts.jsonl:1"),
        ("\n\n", "{\"allow\":true}", "no case"),
    ] {
        let error = replay(contexts, expected, &[]).fails();
        assert!(error.contains(said), "{contexts}: {error}");
    }
    let place = Place::new();
    let error = place
        .run(&["policy", "test", "no.such.json", "--vectors", "nowhere"])
        .fails();
    assert!(error.contains("no.such.json"), "{error}");
    place.run(&["policy", "test"]).fails();
}

#[test]
fn a_failing_case_prints_what_was_expected_and_every_reason() {
    let rules = json!([
        { "name": "a", "condition": "context.n <= 5", "deny_code": "oap.first" },
        { "name": "b", "condition": "context.n != 6", "deny_code": "oap.second" },
    ]);
    let contexts =
        "{\"name\":\"six\",\"context\":{\"n\":6}}\n{\"name\":\"one\",\"context\":{\"n\":1}}";
    let expected = "{\"allow\":true}\n{\"allow\":true}";
    let answer = replay_with(&pack(rules), &passport(), contexts, expected, &["--quiet"]).exits(1);
    for said in [
        "FAIL  six",
        "contexts.jsonl:1",
        "expected  allow",
        "got       deny",
        "oap.first",
        "oap.second",
        "1 passed, 1 failed",
    ] {
        assert!(answer.contains(said), "{said}: {answer}");
    }
    assert!(!answer.contains("one"), "{answer}");
}

#[test]
fn a_failing_case_is_explained_when_asked() {
    let contexts =
        "{\"name\":\"six\",\"context\":{\"n\":6}}\n{\"name\":\"one\",\"context\":{\"n\":1}}";
    let expected = "{\"allow\":true}\n{\"allow\":true}";
    let answer = replay(contexts, expected, &["--explain"]).exits(1);
    assert!(
        answer.contains("context.n = 6") && answer.contains("limits.most = 5"),
        "{answer}"
    );
    assert!(!answer.contains("context.n = 1"), "{answer}");
    assert!(
        !replay(contexts, expected, &[])
            .exits(1)
            .contains("context.n = 6")
    );
}

#[test]
fn an_optional_field_that_is_absent_is_said_once_to_be_what_denies() {
    let rules =
        json!([{ "name": "size", "condition": "context.size <= 5", "deny_code": "oap.size" }]);
    let contexts =
        "{\"context\":{\"n\":1}}\n{\"context\":{\"n\":2}}\n{\"context\":{\"n\":2,\"size\":9}}";
    let allowed = "{\"allow\":true}\n{\"allow\":true}\n{\"allow\":true}";
    let run = |expected: &str, more: &[&str]| {
        replay_with(&pack(rules.clone()), &passport(), contexts, expected, more)
    };
    let told = run(allowed, &[]);
    assert_eq!(told.stderr.matches("--absent skip").count(), 1, "{told:?}");
    assert!(
        told.stderr
            .contains("2 cases are denied only since an optional field is absent"),
        "{told:?}"
    );
    assert!(
        !run(allowed, &["--absent", "skip"])
            .stderr
            .contains("--absent")
    );
    let denied = "{\"allow\":false}\n{\"allow\":false}\n{\"allow\":false}";
    assert!(
        !run(denied, &[]).stderr.contains("--absent"),
        "nobody expected anything else"
    );
}
