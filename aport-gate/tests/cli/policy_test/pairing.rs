//! Which file goes in, and which case goes with which expectation.

use super::{limit_rule, pack, passport, replay};
use crate::support::Place;

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
