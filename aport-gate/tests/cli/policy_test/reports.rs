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
