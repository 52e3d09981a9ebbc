//! What agrees with an expectation, and its forms.

use super::{passes, replay};

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
        r#"{"name":"a","expected":{"status":"denied","error":{"code":"oap.limit_exceeded"}}}"#,
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
