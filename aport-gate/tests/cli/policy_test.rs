//! `policy test`: which vectors it takes, how it pairs them, and what it says.

use serde_json::{Value, json};

use crate::support::{Place, Run, in_crate};

const OURS: [&str; 2] = ["finance.payment.refund.v1", "code.repository.merge.v1"];

fn pack(rules: Value) -> String {
    json!({
        "id": "test.thing.do.v1", "requires_capabilities": ["thing.do"],
        "counters": [{ "name": "daily_count", "kind": "count", "window": "day" }],
        "required_context": { "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } },
        "evaluation_rules": rules,
    })
    .to_string()
}

fn limit_rule() -> Value {
    json!([{ "name": "within", "condition": "context.n <= limits.most", "deny_code": "oap.limit_exceeded" }])
}

fn passport() -> Value {
    json!({
        "passport_id": "ap_vectors", "spec_version": "oap/1.0", "owner_id": "org_1", "status": "active",
        "assurance_level": "L1", "capabilities": [{ "id": "thing.do" }], "limits": { "thing.do": { "most": 5 } },
    })
}

/// Replays these files under the pack with one rule, `n <= 5`.
fn replay(contexts: &str, expected: &str, more: &[&str]) -> Run {
    replay_with(&pack(limit_rule()), &passport(), contexts, expected, more)
}

fn replay_with(pack: &str, passport: &Value, contexts: &str, expected: &str, more: &[&str]) -> Run {
    let place = Place::new();
    let files = [
        place.write("pack.json", pack),
        place.write("passport.json", passport.to_string()),
        place.write("contexts.jsonl", contexts),
        place.write("expected.jsonl", expected),
    ];
    let mut arguments = vec!["policy", "test", &files[0], "--passport", &files[1]];
    arguments.extend(["--contexts", &files[2], "--expected", &files[3]]);
    arguments.extend(more);
    place.run(&arguments)
}

/// Whether each case passes, in order.
fn passes(run: Run) -> Vec<bool> {
    let code = run.code;
    let answer = run.json(code);
    let cases = answer["cases"].as_array().unwrap();
    let passes: Vec<bool> = cases
        .iter()
        .map(|case| case["pass"].as_bool().unwrap())
        .collect();
    assert_eq!(code, i32::from(passes.contains(&false)), "{answer}");
    passes
}

#[test]
fn vectors_of_our_packs_pass() {
    let place = Place::new();
    for pack in OURS {
        let vectors = in_crate("oap/packs/vectors");
        let answer = place
            .run(&["policy", "test", pack, "--vectors", &vectors, "--json"])
            .json(0);
        assert_eq!(answer["failed"], 0, "{answer}");
        assert!(answer["passed"].as_u64().unwrap() > 40, "{answer}");
    }
}

#[test]
fn vectors_of_our_packs_notice_any_rule_that_is_gone() {
    let place = Place::new();
    for pack in OURS {
        let document = std::fs::read(in_crate(&format!("oap/packs/{pack}.json"))).unwrap();
        let document: Value = serde_json::from_slice(&document).unwrap();
        for rule in document["evaluation_rules"].as_array().unwrap() {
            let rule = rule["name"].as_str().unwrap();
            let vectors = in_crate("oap/packs/vectors");
            let run = place.run(&[
                "policy",
                "test",
                pack,
                "--vectors",
                &vectors,
                "--waive",
                rule,
            ]);
            let answer = run.exits(1);
            assert!(
                answer.contains("got       allow"),
                "{pack} {rule}: {answer}"
            );
        }
    }
}

#[test]
fn published_refund_cases_pass_under_the_published_pack() {
    let Some(reference) = std::env::var_os("APORT_OAP_REFERENCE") else {
        println!("APORT_OAP_REFERENCE is not set; the published cases are not replayed");
        return;
    };
    let reference = reference.into_string().unwrap();
    let of = |path: &str| format!("{reference}/{path}");
    let cases = of("conformance/payments.refunds.v1");
    let answer = Place::new()
        .run(&[
            "policy",
            "test",
            &of("packs/finance.payment.refund.v1.json"),
            "--passport",
            &format!("{cases}/passports/template.json"),
            "--contexts",
            &format!("{cases}/contexts"),
            "--expected",
            &format!("{cases}/expected"),
            "--absent",
            "skip",
            "--json",
        ])
        .json(0);
    assert_eq!(answer["passed"], 3, "{answer}");
    // The export cases give contexts that lack what the export pack requires, and one code that it
    // does not have: that is what the answer has to say.
    let cases = of("conformance/data.export.v1");
    let answer = Place::new()
        .run(&[
            "policy",
            "test",
            &of("packs/data.export.create.v1.json"),
            "--passport",
            &format!("{cases}/passports/template.json"),
            "--contexts",
            &format!("{cases}/contexts"),
            "--expected",
            &format!("{cases}/expected"),
        ])
        .exits(1);
    assert!(answer.contains("`export_type` is missing"), "{answer}");
    assert!(answer.contains("oap.pii_not_allowed"), "{answer}");
}

#[test]
fn allow_and_deny_agree_or_the_case_fails() {
    let contexts = "{\"context\":{\"n\":5}}\n{\"context\":{\"n\":6}}\n{\"context\":{\"n\":5}}\n{\"context\":{\"n\":6}}";
    let expected = r#"{"allow":true}
{"allow":false,"reasons":[{"code":"oap.limit_exceeded"}]}
{"allow":false,"reasons":[{"code":"oap.limit_exceeded"}]}
{"allow":true}"#;
    assert_eq!(
        passes(replay(contexts, expected, &["--json"])),
        [true, true, false, false]
    );
}

#[test]
fn a_deny_must_give_the_expected_first_code_among_its_reasons() {
    let contexts = "{\"n\":6}\n{\"n\":6}\n{\"n\":6}\n{\"n\":6}";
    let expected = r#"{"allow":false,"reasons":[{"code":"oap.region_blocked"},{"code":"oap.limit_exceeded"}]}
{"allow":false,"reasons":[{"code":"oap.limit_exceeded"},{"code":"oap.region_blocked"}]}
{"allow":false,"reasons":[]}
{"allow":false}"#;
    assert_eq!(
        passes(replay(contexts, expected, &["--json"])),
        [false, true, true, true]
    );
}

#[test]
fn every_form_of_an_expectation_is_read() {
    let deny = [
        r#"{"decision_id":"x","allow":false,"reasons":[{"code":"oap.limit_exceeded","message":"m"}]}"#,
        r#"{"name":"a","expected":{"allow":false,"reasons":[{"code":"oap.limit_exceeded"}]}}"#,
        r#"{"name":"a","expected":{"allow":false,"deny_code":"oap.limit_exceeded"}}"#,
        r#"{"name":"a","expected":{"allow":false,"code":"oap.limit_exceeded"}}"#,
        r#"{"name":"a","expected":{"allow":false,"reasons":["oap.limit_exceeded"]}}"#,
        r#"{"name":"a","expected":{"allow":false,"reason":{"code":"oap.limit_exceeded"}}}"#,
        r#"{"name":"a","expected":{"outcome":"deny","reasons":[{"code":"oap.limit_exceeded"}]}}"#,
        r#"{"name":"a","expected":{"decision":"deny","code":"oap.limit_exceeded"}}"#,
        r#"{"decision":{"allow":false,"reasons":[{"code":"oap.limit_exceeded"}]}}"#,
        r#"{"name":"a","expected":"deny","code":"oap.limit_exceeded"}"#,
        r#"{"name":"a","expected":{"allow":false,"reason":"a sentence is no code"}}"#,
    ];
    for expected in deny {
        let right = replay(r#"{"name":"a","context":{"n":6}}"#, expected, &[]);
        assert_eq!(right.code, 0, "{expected}: {right:?}");
        let wrong = replay(r#"{"name":"a","context":{"n":5}}"#, expected, &[]);
        assert_eq!(wrong.code, 1, "{expected}: {wrong:?}");
    }
    for expected in [
        r#"{"allow":true,"reasons":[{"code":"oap.allowed"}]}"#,
        r#"{"expected":{"allow":true}}"#,
        r#"{"expected":true}"#,
        r#"{"expected":{"outcome":"allow_with_warning"}}"#,
    ] {
        let right = replay(r#"{"context":{"n":5}}"#, expected, &[]);
        assert_eq!(right.code, 0, "{expected}: {right:?}");
    }
}

#[test]
fn cases_pair_by_name_in_any_order() {
    let contexts =
        "{\"name\":\"low\",\"context\":{\"n\":1}}\n{\"name\":\"high\",\"context\":{\"n\":9}}";
    let expected = "{\"name\":\"high\",\"expected\":{\"allow\":false}}\n{\"name\":\"low\",\"expected\":{\"allow\":true}}";
    replay(contexts, expected, &[]).exits(0);
}

#[test]
fn cases_pair_by_line_where_either_has_no_name() {
    let contexts = "{\"name\":\"low\",\"context\":{\"n\":1}}\n{\"context\":{\"n\":9}}";
    replay(
        contexts,
        "{\"allow\":true}\n{\"name\":\"high\",\"expected\":{\"allow\":false}}",
        &[],
    )
    .exits(0);
    replay(contexts, "{\"allow\":false}\n{\"allow\":true}", &[]).exits(1);
}

#[test]
fn a_case_or_an_expectation_alone_fails() {
    let context = r#"{"name":"low","context":{"n":1}}"#;
    let answer = replay(
        context,
        r#"{"name":"other","expected":{"allow":true}}"#,
        &[],
    )
    .exits(1);
    assert!(
        answer.contains("no line of the expectations goes with this case"),
        "{answer}"
    );
    assert!(
        answer.contains("no case goes with this expectation"),
        "{answer}"
    );
    replay(context, "", &[]).exits(1);
}

#[test]
fn windows_lines_blank_lines_and_a_byte_order_mark_are_taken() {
    let contexts = "\u{feff}{\"context\":{\"n\":1}}\r\n\r\n{\"context\":{\"n\":9}}\r\n";
    let expected = "\u{feff}{\"allow\":true}\n\n\n{\"allow\":false}\n\n";
    replay(contexts, expected, &[]).exits(0);
}

#[test]
fn json_over_several_lines_and_lists_are_taken() {
    replay(
        "{\n  \"n\": 1\n}\n{\n  \"n\": 9\n}",
        "[{\"allow\": true},\n {\"allow\": false}]",
        &[],
    )
    .exits(0);
}

#[test]
fn a_folder_of_files_is_paired_by_their_names() {
    let place = Place::new();
    let (pack, passport) = (
        place.write("pack.json", pack(limit_rule())),
        place.write("passport.json", passport().to_string()),
    );
    place.write("contexts/high.json", "{\n\"n\": 9\n}");
    place.write("contexts/low.json", "{\"n\": 1}");
    place.write(
        "expected/deny_high.json",
        "{\"name\":\"high\",\"expected\":{\"allow\":false}}",
    );
    place.write("expected/low.decision.json", "{\"allow\": true}");
    place.write("expected/notes.txt", "not a vector");
    place
        .run(&[
            "policy",
            "test",
            &pack,
            "--passport",
            &passport,
            "--contexts",
            "contexts",
            "--expected",
            "expected",
        ])
        .exits(0);
}

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
