//! `policy check`: everything wrong in one go, with places and exit codes.

use serde_json::json;

use crate::support::{Place, in_crate};

const BROKEN: &str = r#"{
  "id": "test.thing.do.v1",
  "requires_capabilities": ["thing.do"],
  "evaluation_rules": [
    {"name": "a", "condition": "context.n <=", "deny_code": "oap.x"},
    {"name": "b", "condition": "frobnicate(3)", "deny_code": "oap.x"}
  ]
}"#;

#[test]
fn every_mistake_is_reported_with_its_line() {
    let place = Place::new();
    let file = place.write("broken.json", BROKEN);
    let answer = place.run(&["policy", "check", &file]).exits(1);
    assert!(answer.contains("broken.json:5:"), "{answer}");
    assert!(answer.contains("broken.json:6:"), "{answer}");
    assert!(answer.contains('^'), "{answer}");
    let report = place.run(&["policy", "check", &file, "--json"]).json(1);
    assert_eq!(report["ok"], false);
    assert!(
        report["files"][0]["errors"].as_u64().unwrap() >= 2,
        "{report}"
    );
    assert_eq!(report["files"][0]["findings"][0]["line"], 5, "{report}");
}

#[test]
fn a_good_pack_is_ok_and_a_bad_one_beside_it_still_fails() {
    let place = Place::new();
    let good = in_crate("oap/packs/finance.payment.refund.v1.json");
    let broken = place.write("broken.json", BROKEN);
    assert!(
        place
            .run(&["policy", "check", &good])
            .exits(0)
            .ends_with(": ok\n")
    );
    let answer = place.run(&["policy", "check", &broken, &good]).exits(1);
    assert!(answer.contains(&format!("{good}: ok")), "{answer}");
}

#[test]
fn warnings_fail_only_when_asked() {
    let place = Place::new();
    let pack = json!({
        "id": "test.thing.do.v1", "requires_capabilities": ["thing.do"],
        "limits_required": ["no_rule_reads_it"], "evaluation_rules": [],
    });
    let file = place.write("pack.json", pack.to_string());
    assert!(
        place
            .run(&["policy", "check", &file])
            .exits(0)
            .contains("warning")
    );
    place.run(&["policy", "check", "--strict", &file]).exits(1);
}

#[test]
fn a_file_that_is_not_there_is_an_environment_error() {
    let place = Place::new();
    let error = place.run(&["policy", "check", "no.such.json"]).fails();
    assert!(error.contains("no.such.json"), "{error}");
    place.run(&["policy", "check"]).fails();
}

#[test]
fn what_a_pack_says_cannot_steer_the_terminal() {
    let place = Place::new();
    let pack =
        "{\"id\": \"\\u001b[2Jbad\", \"requires_capabilities\": [], \"evaluation_rules\": []}";
    let file = place.write("pack.json", pack);
    let answer = place.run(&["policy", "check", &file]).exits(1);
    assert!(!answer.contains('\u{1b}'), "{answer:?}");
}

#[test]
fn a_byte_order_mark_is_named_where_a_server_would_meet_it() {
    let place = Place::new();
    let pack = json!({ "id": "test.thing.do.v1", "requires_capabilities": ["thing.do"], "evaluation_rules": [] });
    let text = format!("\u{feff}{pack}");
    let file = place.write("home/packs/pack.json", &text);
    let answer = place.run(&["policy", "check", &file]).exits(1);
    assert!(answer.contains("byte order mark"), "{answer}");
    let error = place.run(&["policy", "list"]).fails();
    assert!(error.contains("byte order mark"), "{error}");
    let passport = json!({
        "passport_id": "ap_bot", "spec_version": "oap/1.0", "owner_id": "o", "status": "active",
        "assurance_level": "L2", "capabilities": [], "regions": [],
    });
    let file = place.write("home/passports/ap_bot.json", format!("\u{feff}{passport}"));
    let answer = place.run(&["passport", "check", &file]).exits(1);
    assert!(answer.contains("byte order mark"), "{answer}");
    let error = place.run(&["passport", "show", "ap_bot"]).fails();
    assert!(error.contains("byte order mark"), "{error}");
}

#[cfg(unix)]
#[test]
fn what_a_file_is_called_cannot_steer_the_terminal() {
    let place = Place::new();
    let file = place.write("a\u{1b}[2Jb.json", "{}");
    for command in ["policy", "passport"] {
        let answer = place.run(&[command, "check", &file]).exits(1);
        assert!(!answer.contains('\u{1b}'), "{answer:?}");
    }
}
