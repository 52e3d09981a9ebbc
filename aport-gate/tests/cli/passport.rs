//! `passport`: what is issued, what is refused, and the ways between the states.

use serde_json::{Value, json};

use crate::support::{Place, Run};

/// Issues a passport of `ap_bot`, with more flags.
fn issue(place: &Place, more: &[&str]) -> Run {
    let mut arguments = vec!["passport", "issue", "--id", "ap_bot", "--owner", "org_acme"];
    arguments.extend([
        "--level",
        "L2",
        "--capability",
        "thing.do",
        "--region",
        "US",
    ]);
    arguments.extend(more);
    place.run(&arguments)
}

fn file(place: &Place) -> Value {
    let path = place.home().join("passports/ap_bot.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn status(place: &Place, command: &str) -> Run {
    place.run(&["passport", command, "ap_bot"])
}

#[test]
fn an_issued_passport_is_a_whole_oap_document() {
    let place = Place::new();
    let answer = issue(
        &place,
        &[
            "--limit",
            "thing.do:per.USD.most=5",
            "--limit",
            "thing.do:kinds=[\"a\"]",
            "--limit",
            "thing.do:colour=red",
            "--expires",
            "2199-01-01T00:00:00Z",
            "--name",
            "Bot",
            "--json",
        ],
    )
    .json(0);
    let passport = file(&place);
    assert_eq!(answer["passport"], passport);
    assert_eq!(
        passport["limits"]["thing.do"],
        json!({ "per": { "USD": { "most": 5 } }, "kinds": ["a"], "colour": "red" })
    );
    for (field, value) in [
        ("passport_id", json!("ap_bot")),
        ("kind", json!("template")),
        ("spec_version", json!("oap/1.0")),
        ("owner_id", json!("org_acme")),
        ("owner_type", json!("org")),
        ("assurance_level", json!("L2")),
        ("status", json!("active")),
        ("capabilities", json!([{ "id": "thing.do" }])),
        ("regions", json!(["US"])),
        ("metadata", json!({ "name": "Bot" })),
        ("expires_at", json!("2199-01-01T00:00:00Z")),
        ("version", json!("1.0.0")),
    ] {
        assert_eq!(passport[field], value, "{field}");
    }
    assert!(passport["created_at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn without_an_id_a_new_one_is_made() {
    let place = Place::new();
    let flags = [
        "passport",
        "issue",
        "--owner",
        "o",
        "--level",
        "L0",
        "--capability",
        "a",
        "--json",
    ];
    let (one, two) = (place.run(&flags).json(0), place.run(&flags).json(0));
    assert!(one["agent_id"].as_str().unwrap().starts_with("ap_"));
    assert_ne!(one["agent_id"], two["agent_id"]);
    let list = place.run(&["passport", "list", "--json"]).json(0);
    assert_eq!(list["passports"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_is_issued_with_unknown_keys_and_flags_on_top() {
    let place = Place::new();
    let document = json!({
        "agent_id": "ap_bot", "owner_id": "org_file", "assurance_level": "L1",
        "capabilities": ["thing.do"], "x_ours": { "deep": [1, 2] },
    });
    let path = place.write("passport.json", document.to_string());
    place
        .run(&["passport", "issue", &path, "--level", "L3"])
        .exits(0);
    let passport = file(&place);
    assert_eq!(passport["x_ours"], json!({ "deep": [1, 2] }));
    assert_eq!(passport["assurance_level"], "L3");
    assert_eq!(passport["owner_id"], "org_file");
    // A change of state keeps them as well.
    status(&place, "suspend").exits(0);
    let suspended = file(&place);
    assert_eq!(suspended["x_ours"], json!({ "deep": [1, 2] }));
    assert_eq!(suspended["capabilities"], json!(["thing.do"]));
    assert_eq!(suspended["status"], "suspended");
}

#[test]
fn what_no_verifier_would_take_is_not_issued() {
    let place = Place::new();
    for (flags, said) in [
        (vec!["--id", "bot"], "bot"),
        (vec!["--level", "L9"], "L9"),
        (vec!["--limits", "[]"], "limits"),
        (vec!["--limits", "{"], "JSON"),
        (vec!["--limits", "@no.such.json"], "no.such.json"),
        (vec!["--limit", "thing.do"], "CAPABILITY:path"),
        (vec!["--expires", "2020-01-01T00:00:00Z"], "expired"),
        (vec!["--expires", "tomorrow"], "tomorrow"),
        (
            vec!["--limit", "a:most=5", "--limit", "a:most=6"],
            "`a:most=5` and `a:most=6`",
        ),
        (
            vec!["--limit", "a:most.usd=5", "--limit", "a:most=6"],
            "only one can be meant",
        ),
        (
            vec!["--limit", "a:hosts=[a.com, b.com]"],
            r#"--limit 'a:hosts=["a.com","b.com"]'"#,
        ),
        (vec!["--limit", "a:most={usd: 5}"], "begins like JSON"),
        (
            vec!["--limit", "b.c:most=5"],
            "a capability that the passport does not grant; it grants `a`",
        ),
    ] {
        let mut arguments = vec!["passport", "issue", "--owner", "o", "--capability", "a"];
        if flags[0] != "--level" {
            arguments.extend(["--level", "L1"]);
        }
        arguments.extend(flags);
        let error = place.run(&arguments).fails();
        assert!(error.contains(said), "{error}");
    }
    let error = place.run(&["passport", "issue", "--owner", "o"]).fails();
    assert!(
        error.contains("--level") && error.contains("--capability"),
        "{error}"
    );
    let twice = place.write("twice.json", r#"{"status":"active","status":"revoked"}"#);
    assert!(
        place
            .run(&["passport", "issue", &twice])
            .fails()
            .contains("twice")
    );
    assert!(!place.home().join("passports/ap_bot.json").exists());
}

#[test]
fn an_existing_passport_is_replaced_only_when_told() {
    let place = Place::new();
    issue(&place, &[]).exits(0);
    let before = file(&place);
    let error = issue(&place, &["--region", "CA"]).fails();
    assert!(error.contains("--replace"), "{error}");
    assert_eq!(file(&place), before);
    issue(&place, &["--region", "CA", "--replace"]).exits(0);
    assert_eq!(file(&place)["regions"], json!(["US", "CA"]));
    assert_eq!(file(&place)["created_at"], before["created_at"]);
}

#[test]
fn replacing_lifts_no_suspension_and_undoes_no_revocation() {
    let place = Place::new();
    issue(&place, &[]).exits(0);
    status(&place, "suspend").exits(0);
    issue(&place, &["--replace"]).exits(0);
    assert_eq!(file(&place)["status"], "suspended");
    status(&place, "revoke").exits(0);
    let error = issue(&place, &["--replace"]).fails();
    assert!(error.contains("final"), "{error}");
    assert_eq!(file(&place)["status"], "revoked");
}

#[test]
fn ids_that_differ_by_case_only_are_refused() {
    let place = Place::new();
    issue(&place, &[]).exits(0);
    let error = place
        .run(&[
            "passport",
            "issue",
            "--id",
            "ap_BOT",
            "--owner",
            "o",
            "--level",
            "L1",
            "--capability",
            "a",
        ])
        .fails();
    assert!(
        error.contains("ap_BOT") && error.contains("ap_bot.json"),
        "{error}"
    );
}

#[test]
fn states_lead_only_where_they_may() {
    let place = Place::new();
    issue(&place, &["--draft"]).exits(0);
    assert!(status(&place, "suspend").fails().contains("draft"));
    status(&place, "resume").exits(0);
    assert_eq!(file(&place)["status"], "active");
    assert!(status(&place, "suspend").exits(0).contains("suspended"));
    assert!(status(&place, "suspend").exits(0).contains("already"));
    status(&place, "resume").exits(0);
    status(&place, "revoke").exits(0);
    for command in ["suspend", "resume"] {
        let error = status(&place, command).fails();
        assert!(error.contains("final"), "{error}");
        assert_eq!(file(&place)["status"], "revoked");
    }
    assert!(status(&place, "revoke").exits(0).contains("already"));
}

#[test]
fn an_unknown_agent_and_a_broken_file_are_named() {
    let place = Place::new();
    for command in ["show", "suspend", "resume", "revoke"] {
        let error = status(&place, command).fails();
        assert!(error.contains("ap_bot"), "{error}");
    }
    place.write("home/passports/ap_bot.json", "{\"passport_id\": ");
    assert!(status(&place, "suspend").fails().contains("ap_bot.json"));
    issue(&place, &[]).fails();
    issue(&place, &["--replace"]).fails();
    place.write(
        "home/passports/ap_other.json",
        passport_of("ap_third").to_string(),
    );
    let list = place.run(&["passport", "list", "--json"]).json(0);
    let problems = list["passports"].as_array().unwrap();
    assert!(
        problems.iter().all(|one| one["problem"].is_string()),
        "{list}"
    );
    assert!(place.run(&["passport", "list"]).stderr.contains("ap_third"));
}

fn passport_of(agent: &str) -> Value {
    json!({
        "passport_id": agent, "spec_version": "oap/1.0", "owner_id": "o", "status": "active",
        "assurance_level": "L1", "capabilities": [],
    })
}

#[test]
fn show_and_list_tell_people_and_machines() {
    let place = Place::new();
    issue(&place, &[]).exits(0);
    let shown = place.run(&["passport", "show", "ap_bot", "--json"]).json(0);
    assert_eq!(shown["passport"], file(&place));
    let text = place.run(&["passport", "show", "ap_bot"]).exits(0);
    assert!(
        text.contains("active") && text.contains(shown["digest"].as_str().unwrap()),
        "{text}"
    );
    let list = place.run(&["passport", "list"]).exits(0);
    assert!(
        list.starts_with("AGENT") && list.contains("org_acme"),
        "{list}"
    );
    assert!(!list.contains('\u{1b}'), "no colours into a pipe: {list:?}");
}

#[test]
fn empty_homes_and_wrong_variables_are_said() {
    let place = Place::new();
    let run = place.run(&["passport", "list"]);
    assert!(run.stderr.contains("passport issue"), "{run:?}");
    run.exits(0);
    let output = place
        .command(&["passport", "list"])
        .env("APORT_HOME", "${HOME}/aport")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("APORT_HOME"));
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only_and_nothing_is_left_behind() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    issue(&place, &[]).exits(0);
    status(&place, "suspend").exits(0);
    let folder = place.home().join("passports");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(name == "ap_bot.json" || name == ".lock", "{name}");
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
    let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[test]
fn commands_at_the_same_time_do_not_undo_each_other() {
    let place = Place::new();
    issue(&place, &[]).exits(0);
    std::thread::scope(|scope| {
        for command in [
            "suspend", "resume", "suspend", "revoke", "suspend", "resume",
        ] {
            let place = &place;
            scope.spawn(move || place.run(&["passport", command, "ap_bot"]));
        }
    });
    // Whatever the order was: no change after the revocation may have lifted it.
    assert_eq!(file(&place)["status"], "revoked");
}

#[test]
fn a_passport_file_is_checked_with_everything_that_is_wrong() {
    let place = Place::new();
    let broken = place.write(
        "broken.json",
        "{\n\"passport_id\": \"bot\",\n\"spec_version\": \"oap/1.0\", \"status\": \"on\"\n}",
    );
    let answer = place.run(&["passport", "check", &broken]).exits(1);
    assert!(
        answer.contains("broken.json:2:") && answer.contains("broken.json:3:"),
        "{answer}"
    );
    let error = place
        .run(&["passport", "issue", &broken, "--owner", "o"])
        .fails();
    assert!(
        error.contains("passport_id") && error.contains("status"),
        "{error}"
    );
    issue(&place, &[]).exits(0);
    let good = place.home().join("passports/ap_bot.json");
    place
        .run(&["passport", "check", good.to_str().unwrap(), "--strict"])
        .exits(0);
}

#[test]
fn a_limit_in_two_spellings_is_told_by_check_issue_and_doctor() {
    let place = Place::new();
    let passport = json!({
        "passport_id": "ap_bot", "spec_version": "oap/1.0", "owner_id": "o", "status": "active",
        "assurance_level": "L2", "capabilities": [{ "id": "test.pay" }], "regions": ["US"],
        "limits": { "test.pay": { "max": 5000 }, "test": { "pay": { "max": 50 } } },
    });
    let file = place.write("passport.json", passport.to_string());
    let told = "50 here, 5000 at `limits[\"test.pay\"].max`";
    let answer = place.run(&["passport", "check", &file]).exits(0);
    assert!(answer.contains(told), "{answer}");
    let issued = place.run(&["passport", "issue", &file]);
    assert!(issued.stderr.contains(told), "{issued:?}");
    let answer = place.run(&["doctor"]).exits(0);
    assert!(answer.contains(told), "{answer}");
}

#[test]
fn an_expiry_may_be_given_from_now_on() {
    let place = Place::new();
    let common = [
        "passport",
        "issue",
        "--owner",
        "o",
        "--level",
        "L1",
        "--capability",
        "thing.do",
    ];
    let more = [
        "--id",
        "ap_ninety",
        "--expires",
        "90d",
        "--limit",
        "thing.do:hosts=a.com",
    ];
    place.run(&[&common[..], &more[..]].concat()).exits(0);
    let shown = place
        .run(&["passport", "show", "ap_ninety", "--json"])
        .json(0);
    let passport = shown.get("passport").unwrap_or(&shown);
    let expiry: jiff::Timestamp = passport["expires_at"].as_str().unwrap().parse().unwrap();
    let days = (expiry.as_second() - jiff::Timestamp::now().as_second()) / 86_400;
    assert!((89..=90).contains(&days), "{expiry}");
    assert_eq!(passport["limits"]["thing.do"]["hosts"], "a.com");
}

#[test]
fn limits_of_a_capability_that_is_not_granted_are_a_warning_of_check() {
    let place = Place::new();
    let file = place.write(
        "stray.json",
        json!({
            "passport_id": "ap_stray", "spec_version": "oap/1.0", "owner_id": "o", "status": "active",
            "assurance_level": "L1", "capabilities": [{ "id": "thing.do" }], "limits": { "thing.od": { "most": 1 } }
        })
        .to_string(),
    );
    let told = place.run(&["passport", "check", &file]).exits(0);
    assert!(
        told.contains("the passport does not grant `thing.od`")
            && told.contains("did you mean `thing.do`?"),
        "{told}"
    );
}
