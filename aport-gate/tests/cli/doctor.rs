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
    ask(place, &["doctor", "--json"], variables)
}

fn ask(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = place.command(arguments);
    // Whatever server this machine has installed.
    command.env("PATH", place.path("programs"));
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
    let text = ask(&place, &["doctor"], &[]).exits(0);
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
fn a_damaged_signing_key_stops_the_servers_that_sign_and_is_doubtful_to_others() {
    let place = healthy();
    let signs = [("APORT_SIGN_DECISIONS", "on")];
    assert_eq!(complaints(doctor(&place, &signs), 0), []);
    place.run(&["keys", "rotate"]).exits(0);
    assert_eq!(complaints(doctor(&place, &signs), 0), []);
    place.write("home/keys/ed25519-000003.jwk", "junk");
    for (variables, code) in [(&signs[..], 1), (&[], 0)] {
        let found = complaints(doctor(&place, variables), code);
        let named =
            |(by, text): &(String, String)| by == "keys" && text.contains("ed25519-000003.jwk");
        assert!(found.iter().any(named), "{found:?}");
    }
}

#[test]
fn a_clock_behind_what_the_ledger_has_pruned_is_a_failure_of_doctor_and_of_a_preview() {
    let place = healthy();
    drop(aport_gate::Ledger::open(&place.home().join("ledger.sqlite3")).unwrap());
    assert_eq!(complaints(doctor(&place, &[]), 0), []);
    let connection = rusqlite::Connection::open(place.home().join("ledger.sqlite3")).unwrap();
    let ahead = "UPDATE upkeep SET pruned_until = 4102444800";
    connection.execute(ahead, []).unwrap();
    let found = complaints(doctor(&place, &[]), 1);
    assert!(found[0].1.contains("2100-01-01"), "{found:?}");
    let question = [
        "decide",
        "finance.payment.refund.v1",
        "--agent",
        "ap_bot",
        "--context",
        "{}",
    ];
    let answer = ask(&place, &question, &[]);
    assert!(answer.fails().contains("2100-01-01"));
}

#[test]
fn options_for_a_pack_that_is_not_there_send_nobody_to_the_packs() {
    let place = healthy();
    place.write(
        "home/pack-options.json",
        r#"{ "web.fetch.v1": { "absent": "skip" } }"#,
    );
    let answer = doctor(&place, &[]).json(1);
    let checks = answer["checks"].as_array().unwrap();
    let packs = checks
        .iter()
        .find(|check| check["subject"] == "packs")
        .unwrap();
    let listed = place.run(&["policy", "list"]).fails();
    for next in [packs["next"].as_str().unwrap(), listed.as_str()] {
        assert!(
            next.contains("that entry") && !next.contains("policy check"),
            "{next}"
        );
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

fn bound(place: &Place, agent: &str) -> (String, String) {
    let answer = doctor(place, &[("APORT_AGENT_ID", agent)]).json(0);
    let mut checks = answer["checks"].as_array().unwrap().iter();
    let check = checks.find(|check| check["subject"] == "agent").unwrap();
    let text = |key: &str| check[key].as_str().unwrap().to_owned();
    (text("health"), text("found"))
}

#[test]
fn a_passport_that_is_enough_for_no_pack_is_a_warning() {
    let place = healthy();
    let (health, found) = bound(&place, "ap_bot");
    assert_eq!(health, "warning", "{found}");
    assert!(found.contains("finance.payment.refund"), "{found}");
    let capability = ["--capability", "finance.payment.refund", "--owner", "o"];
    for (agent, level, wanted) in [("ap_low", "L1", "warning"), ("ap_high", "L2", "ok")] {
        let mut issue = vec!["passport", "issue", "--id", agent, "--level", level];
        issue.extend(capability);
        place.run(&issue).exits(0);
        let (health, found) = bound(&place, agent);
        assert_eq!(health, wanted, "{found}");
        let merge = "`code.repository.merge.v1` asks for code.repository.merge";
        assert!(found.contains(merge), "{found}");
    }
    let (_, found) = bound(&place, "ap_low");
    assert!(
        found.contains("`finance.payment.refund.v1` asks for L2"),
        "{found}"
    );
}

#[test]
fn a_passport_under_a_stopped_parent_is_told_by_every_command_that_shows_it() {
    let place = healthy();
    let issue = [
        "passport",
        "issue",
        "--owner",
        "o",
        "--level",
        "L1",
        "--capability",
        "a",
    ];
    let child = [&issue[..], &["--id", "ap_child", "--parent", "ap_bot"]].concat();
    let issued = place.run(&child);
    assert!(!issued.stderr.contains("warning"), "{issued:?}");
    let show = ["passport", "show", "ap_child"];
    assert!(place.run(&show).exits(0).contains("yes"));
    place.run(&["passport", "suspend", "ap_bot"]).exits(0);
    let why = "parent `ap_bot` is suspended";
    assert!(place.run(&show).exits(0).contains(why));
    assert!(
        place
            .run(&["passport", "list"])
            .exits(0)
            .contains("kept back")
    );
    let listed = place.run(&["passport", "list", "--json"]).json(0);
    let said = |index: usize| {
        listed["passports"][index]["kept_back"]
            .as_str()
            .unwrap_or("")
    };
    assert!(
        said(0).contains("is suspended") && said(1).contains(why),
        "{listed}"
    );
    let found = complaints(doctor(&place, &[("APORT_AGENT_ID", "ap_child")]), 0);
    for subject in ["passport", "agent"] {
        let named = |(by, text): &(String, String)| by == subject && text.contains(why);
        assert!(found.iter().any(named), "{subject}: {found:?}");
    }
    let text = ask(&place, &["doctor"], &[]).exits(0);
    assert!(text.contains("0 in force, 2 not"), "{text}");
    for (parent, warned) in [
        ("ap_bot", why),
        ("ap_elsewhere", "no passport of its parent `ap_elsewhere`"),
        ("ap_other", "more than"),
    ] {
        let other = [
            &issue[..],
            &["--id", "ap_other", "--replace", "--parent", parent],
        ]
        .concat();
        let issued = place.run(&other);
        assert!(issued.stderr.contains(warned), "{parent}: {issued:?}");
    }
    let resumed = place.run(&["passport", "resume", "ap_child"]);
    assert!(resumed.stderr.contains(why), "{resumed:?}");
}

#[test]
fn a_passport_that_ends_soon_is_a_warning() {
    let place = healthy();
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(20);
    for (agent, at) in [
        ("ap_soon", soon.to_string()),
        ("ap_over", "2026-01-02T00:00:00Z".to_owned()),
    ] {
        place.write(
            &format!("home/passports/{agent}.json"),
            passport(agent, &at),
        );
    }
    let found = complaints(doctor(&place, &[]), 0);
    let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "the passport of `ap_over` has expired",
            "the passport of `ap_soon` ends in 19 hours",
        ]
    );
    let text = ask(&place, &["doctor"], &[]).exits(0);
    assert!(text.contains("2 in force, 1 not"), "{text}");
}

fn passport(agent: &str, expires_at: &str) -> String {
    serde_json::json!({
        "passport_id": agent, "kind": "instance", "spec_version": "oap/1.0", "owner_id": "o",
        "owner_type": "org", "assurance_level": "L2", "status": "active",
        "capabilities": [{ "id": "a" }], "limits": {}, "regions": [],
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        "version": "1.0.0", "expires_at": expires_at,
    })
    .to_string()
}

#[test]
fn a_misspelt_variable_is_recognised() {
    let place = healthy();
    let answer = doctor(&place, &[("APORT_APIKEY", "x")]).json(0);
    let next = answer["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["health"] == "warning")
        .map(|check| check["next"].clone());
    assert_eq!(next, Some("did you mean APORT_API_KEY?".into()));
}

#[test]
fn what_a_client_would_not_expand_is_a_failure() {
    let place = healthy();
    for value in ["", "${APORT_AGENT}"] {
        let found = complaints(doctor(&place, &[("APORT_AGENT_ID", value)]), 1);
        assert!(found[0].1.contains("APORT_AGENT_ID"), "{found:?}");
    }
}

/// The subjects and texts of what is not well in a client's configuration.
fn client(place: &Place, entry: Value, code: i32) -> Vec<(String, String)> {
    let file = place.write(
        "client.json",
        serde_json::json!({ "mcpServers": { "gate": entry } }).to_string(),
    );
    complaints(
        ask(
            place,
            &["doctor", "--json", "--no-start", "--client", &file],
            &[],
        ),
        code,
    )
}

#[test]
fn a_clients_entry_is_looked_at_as_the_client_would_start_it() {
    let place = healthy();
    let home = place.home().to_str().unwrap().to_owned();
    // The shell's APORT_HOME does not count for what a client starts.
    let program = env!("CARGO_BIN_EXE_aport-gate");
    let good = serde_json::json!({
        "command": program, "autoApprove": [],
        "env": { "APORT_HOME": home, "APORT_API_KEY": "${input:key}" },
    });
    assert_eq!(client(&place, good.clone(), 0), []);

    let with = |key: &str, value: Value| {
        let mut entry = good.clone();
        entry[key] = value;
        entry
    };
    let gone = place.path("gone").to_str().unwrap().to_owned();
    for (entry, code, part) in [
        (with("command", gone.clone().into()), 1, gone.as_str()),
        (with("command", "aport-gate-server".into()), 1, "PATH"),
        (with("command", "./server".into()), 0, "folder"),
        (
            with("autoApprove", serde_json::json!(["process_refund"])),
            0,
            "autoApprove",
        ),
        (
            with(
                "env",
                serde_json::json!({ "APORT_HOME": home, "APORT_API_KEY": "hunter2" }),
            ),
            0,
            "plain text",
        ),
        (
            with(
                "env",
                serde_json::json!({ "APORT_HOME": home, "APORT_AGENT_ID": "${NOBODY_SETS}" }),
            ),
            1,
            "APORT_AGENT_ID",
        ),
        (
            with("env", serde_json::json!({ "APORT_HOME": 5 })),
            1,
            "APORT_HOME",
        ),
    ] {
        let found = client(&place, entry, code);
        assert!(found[0].1.contains(part), "{part}: {found:?}");
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    }
}

#[test]
fn several_entries_of_a_client_need_a_name() {
    let place = healthy();
    let file = place.write(
        "client.json",
        r#"{"servers":{"a":{"command":"aport-gate-server"},"b":{"url":"http://127.0.0.1/aport"}}}"#,
    );
    let error = ask(&place, &["doctor", "--client", &file], &[]).fails();
    assert!(
        error.contains("a, b") && error.contains("--entry"),
        "{error}"
    );
    let run = ask(
        &place,
        &["doctor", "--json", "--client", &file, "--entry", "b"],
        &[],
    );
    assert_eq!(complaints(run, 0), []);
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
