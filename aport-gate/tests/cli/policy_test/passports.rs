//! Passports of the cases.

use serde_json::{Value, json};

use super::{limit_rule, pack, passport, replay, replay_with};

#[test]
fn an_override_replaces_keys_of_the_passport_and_null_removes() {
    let contexts = [
        json!({ "context": { "n": 5 }, "overridePassport": { "status": "suspended" } }),
        json!({ "context": { "n": 6 }, "overridePassport": { "limits": { "thing.do": { "most": 6 } } } }),
        // Replaced, not merged: a case must be able to take limits away.
        json!({ "context": { "n": 1 }, "overridePassport": { "limits": {} } }),
        json!({ "context": { "n": 1 }, "overridePassport": { "limits": null } }),
        json!({ "context": { "n": 1 }, "overridePassport": null }),
        json!({ "context": { "n": 1 }, "overridePassport": passport() }),
        json!({ "context": { "n": 1 }, "overridePassport": { "agent_id": "ap_another" } }),
        // The next case is under the passport again.
        json!({ "context": { "n": 6 } }),
    ];
    let lines: Vec<String> = contexts.iter().map(Value::to_string).collect();
    let expected = r#"{"allow":false,"reasons":[{"code":"oap.passport_suspended"}]}
{"allow":true}
{"allow":false,"reasons":[{"code":"oap.limit_exceeded"}]}
{"allow":false,"reasons":[{"code":"oap.limit_exceeded"}]}
{"allow":true}
{"allow":true}
{"allow":true}
{"allow":false}"#;
    replay(&lines.join("\n"), expected, &[]).exits(0);
}

#[test]
fn an_override_that_makes_no_passport_is_a_deny() {
    let contexts = r#"{"context":{"n":1},"overridePassport":{"capabilities":"all"}}"#;
    replay(contexts, r#"{"allow":false}"#, &[]).exits(0);
    let answer = replay(contexts, r#"{"allow":true}"#, &[]).exits(1);
    assert!(answer.contains("oap.passport_invalid"), "{answer}");
}

#[test]
fn a_passport_of_an_older_form_is_taken_with_a_note() {
    let mut old = passport();
    old["passport_id"] = json!("agents/ap_128094d3");
    old.as_object_mut().unwrap().remove("spec_version");
    let run = replay_with(
        &pack(limit_rule()),
        &old,
        r#"{"n":1}"#,
        r#"{"allow":true}"#,
        &[],
    );
    assert!(run.stderr.contains("spec_version"), "{run:?}");
    assert!(
        run.stderr.contains("no agent id") || run.stderr.contains("no id that is"),
        "{run:?}"
    );
    run.exits(0);
}

#[test]
fn a_passport_with_two_ids_is_taken_by_the_first() {
    let mut two = passport();
    two["agent_id"] = json!("ap_another");
    let run = replay_with(
        &pack(limit_rule()),
        &two,
        r#"{"n":1}"#,
        r#"{"allow":true}"#,
        &[],
    );
    assert!(run.stderr.contains("two ids"), "{run:?}");
    run.exits(0);
}
