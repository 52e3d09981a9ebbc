//! `doctor`: what it finds, what it says to do, and its exit codes.

use serde_json::Value;

use crate::support::{Place, Run};

fn healthy() -> Place {
    let place = Place::new();
    let issued = place.run(&[
        "passport",
        "issue",
        "--id",
        "ap_bot",
        "--owner",
        "o",
        "--level",
        "L1",
        "--capability",
        "a",
    ]);
    issued.exits(0);
    place
}

/// What is not well, each with its subject.
fn complaints(run: Run, code: i32) -> Vec<(String, String)> {
    let answer = run.json(code);
    assert_eq!(answer["ok"], code == 0, "{answer}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    answer["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["health"] != "ok")
        .map(|check| (text(&check["subject"]), text(&check["found"])))
        .collect()
}

fn doctor(place: &Place, variables: &[(&str, &str)]) -> Run {
    let mut command = place.command(&["doctor", "--json"]);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_healthy_home_has_no_complaints() {
    let place = healthy();
    assert_eq!(complaints(doctor(&place, &[]), 0), []);
    let text = place.run(&["doctor"]).exits(0);
    assert!(
        text.contains(env!("CARGO_PKG_VERSION")) && text.contains("1 in force"),
        "{text}"
    );
    assert!(
        !place.home().join("ledger.sqlite3").exists(),
        "looking makes no ledger"
    );
}

#[test]
fn a_home_without_passports_is_a_warning() {
    let place = Place::new();
    let found = complaints(doctor(&place, &[]), 0);
    let subjects: Vec<&str> = found.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["home", "passports"]);
    assert!(!place.home().exists());
}

#[test]
fn broken_files_are_failures_that_name_them() {
    let place = healthy();
    place.write("home/passports/ap_broken.json", "{");
    place.write("home/packs/broken.json", "{}");
    place.write(
        "home/ledger.sqlite3",
        "no database at all, just some text\n".repeat(300),
    );
    let found = complaints(doctor(&place, &[]), 1);
    for (subject, file) in [
        ("passport", "ap_broken.json"),
        ("packs", "broken.json"),
        ("ledger", "ledger.sqlite3"),
    ] {
        let named = |(by, text): &(String, String)| by == subject && text.contains(file);
        assert!(found.iter().any(named), "{subject}: {found:?}");
    }
}

#[test]
fn variables_that_cannot_be_used_or_are_misspelt_are_named() {
    let place = healthy();
    let found = complaints(doctor(&place, &[("APORT_TIMEOUT_MS", "soon")]), 1);
    assert!(found[0].1.contains("APORT_TIMEOUT_MS"), "{found:?}");
    let found = complaints(doctor(&place, &[("APORT_AGENT", "ap_bot")]), 0);
    assert!(found[0].1.contains("APORT_AGENT "), "{found:?}");
    let found = complaints(doctor(&place, &[("APORT_AGENT_ID", "ap_nobody")]), 1);
    assert!(found[0].1.contains("ap_nobody"), "{found:?}");
    place.run(&["passport", "suspend", "ap_bot"]).exits(0);
    let found = complaints(doctor(&place, &[("APORT_AGENT_ID", "ap_bot")]), 0);
    assert!(found[0].1.contains("not active"), "{found:?}");
}

#[test]
fn secrets_are_not_shown() {
    let place = healthy();
    let url = "postgres://me:hunter2@db.example.net/gate?password=hunter3";
    for variable in [("APORT_DATABASE_URL", url), ("APORT_API_KEY", "hunter2")] {
        let run = doctor(&place, &[variable]);
        assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
        assert!(run.stdout.contains(variable.0), "{run:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_can_write_is_a_failure() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = healthy();
    let folder = place.home().join("passports");
    for (mode, code) in [(0o777, 1), (0o755, 0), (0o700, 0)] {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
        let found = complaints(doctor(&place, &[]), code);
        assert_eq!(
            found.len(),
            usize::from(mode != 0o700),
            "{mode:o}: {found:?}"
        );
    }
}
