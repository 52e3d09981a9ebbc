//! `aport-gate audit` beside a running server.
#![allow(missing_docs)]

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use aport_gate_tests::{AGENT, Home, ServerProcess, refund_arguments};
use serde_json::{Value, json};

/// A home after an allowed refund, a denied one, and a refused call; its server still runs.
fn busy() -> (Home, ServerProcess) {
    let home = Home::new();
    let server = home.bound();
    let refund =
        |amount, key| server.call_tool("process_refund", refund_arguments(amount, key), None);
    assert!(refund(100, "key-allowed").is_ok());
    assert!(!refund(100_000, "key-denied").is_ok());
    let unknown = json!({ "no_such_argument": 1 });
    assert!(!server.call_tool("process_refund", unknown, None).is_ok());
    (home, server)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn list(home: &Home, filter: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["audit", "list", "--json"];
    arguments.extend(filter);
    lines(&home.operate(&arguments).exits(0))
}

fn kinds(records: &[Value]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record["kind"].as_str().unwrap())
        .collect()
}

#[test]
fn records_are_listed_by_what_they_are_about() {
    let (home, server) = busy();
    let all = list(&home, &[]);
    assert_eq!(kinds(&all), ["decision", "outcome", "decision", "refusal"]);
    let numbers = |filter: &[&str]| -> Vec<u64> {
        list(&home, filter)
            .iter()
            .map(|record| record["sequence"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(numbers(&["--allow"]), [1]);
    assert_eq!(numbers(&["--deny"]), [3]);
    assert_eq!(numbers(&["--kind", "outcome"]), [2]);
    assert_eq!(numbers(&["--agent", AGENT, "--kind", "decision"]), [1, 3]);
    assert_eq!(numbers(&["--agent", "ap_nobody"]), [0; 0]);
    // An outcome is of the agent, pack and tool of its decision.
    assert_eq!(numbers(&["--agent", AGENT, "--kind", "outcome"]), [2]);
    assert_eq!(
        numbers(&["--pack", "finance.payment.refund.v1"]),
        [1, 2, 3, 4]
    );
    assert_eq!(numbers(&["--pack", "code.repository.merge.v1"]), [0; 0]);
    assert_eq!(numbers(&["--tool", "process_refund", "--allow"]), [1]);
    assert_eq!(numbers(&["--limit", "2"]), [3, 4]);
    let third = all[2]["at"].as_str().unwrap();
    assert_eq!(numbers(&["--since", third]), [3, 4]);
    assert_eq!(numbers(&["--until", third]), [1, 2]);
    let text = home.operate(&["audit", "list"]).exits(0);
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(
        text.contains("oap.limit_exceeded") && text.contains("committed"),
        "{text}"
    );
    drop(server);
}

#[test]
fn a_key_is_found_behind_any_number_of_later_records_and_a_cut_list_says_so() {
    let (home, server) = busy();
    let key = "key of 'one' call";
    let paid = server.call_tool("process_refund", refund_arguments(1, key), None);
    assert!(paid.is_ok(), "{paid:?}");
    for later in 0..60 {
        let arguments = refund_arguments(1, &format!("key-later-{later}"));
        assert!(server.call_tool("process_refund", arguments, None).is_ok());
    }
    let run = |arguments: &[&str]| home.operator_command(arguments).output().unwrap();
    let told = |arguments: &[&str]| String::from_utf8(run(arguments).stderr).unwrap();

    let found = list(&home, &["--key", key]);
    assert_eq!(kinds(&found), ["decision", "outcome"]);
    assert_eq!(found[0]["body"]["idempotency_key"], json!(key));
    let found = list(&home, &["--key", key, "--allow"]);
    assert_eq!(found.len(), 1);
    assert_eq!(told(&["audit", "list", "--key", key]), "");
    // Its record is not among the last ones: a list without it must not read as if there were none.
    for json in [
        &["audit", "list", "--allow", "--json"][..],
        &["audit", "list", "--allow"],
    ] {
        let told = told(json);
        assert!(told.contains("only the last 50 records"), "{told}");
    }
    assert_eq!(list(&home, &["--allow"]).len(), 50);
    assert_eq!(told(&["audit", "list", "--limit", "1000"]), "");
    let nothing = run(&["audit", "list", "--json", "--key", "never used"]);
    assert!(nothing.status.success() && nothing.stdout.is_empty());
    let told = String::from_utf8(nothing.stderr).unwrap();
    assert!(told.contains("under the key `never used`"), "{told}");
}

#[test]
fn one_decision_is_shown_with_its_outcome() {
    let (home, _server) = busy();
    let id = list(&home, &["--allow"])[0]["decision_id"].clone();
    let shown = home
        .operate(&["audit", "show", id.as_str().unwrap(), "--json"])
        .exits(0);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        kinds(shown["records"].as_array().unwrap()),
        ["decision", "outcome"]
    );
    let by_number = home.operate(&["audit", "show", "3"]).exits(0);
    assert!(
        by_number.contains("100000") || by_number.contains("oap.limit_exceeded"),
        "{by_number}"
    );
    let unknown = home.operate(&["audit", "show", "no-such-decision"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
}

#[test]
fn an_export_is_whole_and_goes_on_where_the_last_one_ended() {
    let (home, server) = busy();
    let first = lines(&home.operate(&["audit", "export"]).exits(0));
    assert_eq!(first, list(&home, &[]));
    server.call_tool("process_refund", refund_arguments(200, "key-later"), None);
    let second = lines(&home.operate(&["audit", "export", "--after", "4"]).exits(0));
    assert_eq!(kinds(&second), ["decision", "outcome"]);
    assert_eq!(second[0]["previous"], first[3]["hash"]);
}

#[test]
fn a_kept_head_shows_that_the_tail_was_cut() {
    let (home, server) = busy();
    let head = home.operate(&["audit", "head"]).exits(0);
    let head = head.trim();
    assert!(home.operate(&["audit", "verify"]).exits(0).contains(head));
    // The chain goes on, and the kept head holds still.
    server.call_tool("process_refund", refund_arguments(200, "key-later"), None);
    let _ = home.operate(&["audit", "verify", "--head", head]).exits(0);
    std::fs::write(home.path().join("kept-head"), format!("{head}\n")).unwrap();
    let file = format!("@{}", home.path().join("kept-head").display());
    let _ = home.operate(&["audit", "verify", "--head", &file]).exits(0);
    assert!(server.leave());
    let ledger = rusqlite::Connection::open(home.ledger()).unwrap();
    ledger
        .execute_batch(
            "DELETE FROM audit WHERE sequence > 2;
             UPDATE audit_head SET sequence = 2, hash = (SELECT hash FROM audit WHERE sequence = 2)",
        )
        .unwrap();
    drop(ledger);
    let _ = home.operate(&["audit", "verify"]).exits(0);
    let cut = home.operate(&["audit", "verify", "--head", head]).exits(1);
    assert!(cut.contains("record 3"), "{cut}");
    let report = home
        .operate(&["audit", "verify", "--head", head, "--json"])
        .exits(1);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (&report["ok"], &report["record_at_fault"]),
        (&json!(false), &json!(3))
    );
    assert_eq!(home.operate(&["audit", "verify", "--head", "7"]).code, 2);
}

#[test]
fn an_edited_record_fails_and_is_named() {
    let (home, server) = busy();
    assert!(server.leave());
    let ledger = rusqlite::Connection::open(home.ledger()).unwrap();
    ledger
        .execute_batch("UPDATE audit SET body = replace(body, 'false', 'true') WHERE sequence = 3")
        .unwrap();
    drop(ledger);
    let answer = home.operate(&["audit", "verify"]).exits(1);
    assert!(
        answer.contains("TAMPERED") && answer.contains("record 3"),
        "{answer}"
    );
}

#[test]
fn following_prints_what_is_decided_meanwhile() {
    let (home, server) = busy();
    let mut follower = home
        .operator_command(&["audit", "list", "--follow", "--json", "--limit", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&seen.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["sequence"], 4);
    server.call_tool("process_refund", refund_arguments(200, "key-later"), None);
    assert_eq!(next()["sequence"], 5);
    assert_eq!(next()["kind"], "outcome");
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[cfg(unix)]
#[test]
fn following_survives_an_outage_and_ends_in_order() {
    let (home, server) = busy();
    let mut follower = home
        .operator_command(&["audit", "list", "--follow", "--json", "--limit", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut told = BufReader::new(follower.stderr.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&seen.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["sequence"], 4);
    // The table of records is out of the way for a while.
    let database = rusqlite::Connection::open(home.ledger()).unwrap();
    let rename = |from: &str, to: &str| {
        let statement = format!("ALTER TABLE {from} RENAME TO {to}");
        database.execute_batch(&statement).unwrap();
    };
    rename("audit", "away");
    let away = told.next().unwrap().unwrap();
    assert!(away.contains("looking again"), "{away}");
    rename("away", "audit");
    assert!(told.next().unwrap().unwrap().contains("answers again"));
    server.call_tool("process_refund", refund_arguments(200, "key-later"), None);
    assert_eq!(next()["sequence"], 5);
    let ended = std::process::Command::new("kill")
        .args(["-INT", &follower.id().to_string()])
        .status();
    assert!(ended.unwrap().success());
    assert_eq!(follower.wait().unwrap().code(), Some(0));
}

#[test]
fn following_goes_on_after_an_outage_of_the_database_with_what_was_decided_meanwhile() {
    let Some(url) = aport_gate_test_postgres::database() else {
        return;
    };
    let home = Home::new();
    let variables = [("APORT_AGENT_ID", AGENT), ("APORT_DATABASE_URL", &url)];
    let server = ServerProcess::spawn(home.path(), &variables);
    let refund = |key: &str| server.call_tool("process_refund", refund_arguments(100, key), None);
    assert!(refund("key-first").is_ok());
    // The server has its own way to the database, which stays open.
    let proxy = aport_gate_test_postgres::Proxy::in_front_of(&url);
    let mut follower = home
        .operator_command(&["audit", "list", "--follow", "--json"])
        .env("APORT_DATABASE_URL", proxy.url())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut told = BufReader::new(follower.stderr.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&seen.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["sequence"], json!(1));
    assert_eq!(next()["sequence"], json!(2));
    for outage in 0..2 {
        proxy.go_away();
        let away = told.next().unwrap().unwrap();
        assert!(away.contains("looking again"), "{away}");
        assert!(!away.contains(aport_gate_test_postgres::PASSWORD), "{away}");
        assert!(refund(&format!("key-in-outage-{outage}")).is_ok());
        proxy.come_back();
        assert!(told.next().unwrap().unwrap().contains("answers again"));
        // Each once, in order, none left out.
        let first = 3 + 2 * outage;
        assert_eq!(next()["sequence"], json!(first));
        assert_eq!(next()["sequence"], json!(first + 1));
    }
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (home, server) = busy();
    // More than a pipe holds.
    for number in 0..60 {
        let key = format!("key-many-{number}");
        server.call_tool("process_refund", refund_arguments(100_000, &key), None);
    }
    let mut export = home
        .operator_command(&["audit", "export"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(export.stdout.take());
    let output = export.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_backup_of_a_running_ledger_verifies_and_is_never_overwritten() {
    let (home, server) = busy();
    let copy = home.path().join("copy.sqlite3");
    let copy = copy.to_str().unwrap();
    let head = home.operate(&["audit", "head"]).exits(0);
    let said = home.operate(&["ledger", "backup", copy, "--json"]).exits(0);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["head"], json!(head.trim()));
    server.call_tool("process_refund", refund_arguments(200, "key-later"), None);
    let url = format!("sqlite:{copy}");
    let verified = home
        .operator_command(&["audit", "verify", "--head", head.trim()])
        .env("APORT_DATABASE_URL", url)
        .output()
        .unwrap();
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    assert_eq!(home.operate(&["ledger", "backup", copy]).code, 2);
}

#[test]
fn pruning_keeps_what_is_in_force() {
    let (home, server) = busy();
    let said = home
        .operate(&["ledger", "prune", "--key-days", "1", "--json"])
        .exits(0);
    let pruned: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        pruned,
        json!({ "counters": 0, "idempotency_keys": 0, "lost_reservations": 0 })
    );
    let again = server.call_tool("process_refund", refund_arguments(100, "key-allowed"), None);
    assert_eq!(again.codes(), ["oap.idempotency_conflict"]);
    assert_eq!(
        home.operate(&["ledger", "prune", "--key-days", "0"]).code,
        2
    );
}
