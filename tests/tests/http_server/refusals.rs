//! What a refusal tells, and when.
#![cfg(unix)]

use aport_gate_tests::{AGENT, Home, HttpServerProcess, refund_arguments};

/// What tells that nobody waits for a refusal's record any more.
const GIVEN_UP: &str = "the refusal could not be recorded";

#[test]
fn a_refusal_over_http_names_no_file_of_the_server_and_its_log_does() {
    let home = Home::new();
    let server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    let refund = |key| server.call(&[], "process_refund", &refund_arguments(100, key));
    assert!(refund("key-before").answer().is_ok());
    std::fs::remove_file(home.path().join("ledger.sqlite3")).unwrap();
    let refused = refund("key-without");
    let answer = refused.answer();
    assert_eq!(answer.codes(), ["gate.ledger_unavailable"], "{answer:?}");
    assert!(answer.text().contains("the server's log"), "{answer:?}");
    let place = home.path().display().to_string();
    assert!(!refused.body.contains(&place), "{refused:?}");
    assert!(!refused.body.contains("sqlite"), "{refused:?}");
    assert!(server.log().contains(&place), "{}", server.log());
    assert_eq!(home.payments().len(), 1);
}

#[test]
fn a_refusal_for_want_of_time_does_not_wait_once_more_for_its_record() {
    let home = Home::new();
    let server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    let refund = |key| server.call(&[], "process_refund", &refund_arguments(100, key));
    assert!(refund("key-before").answer().is_ok());
    let other = rusqlite::Connection::open(home.path().join("ledger.sqlite3")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let refused = refund("key-locked").answer();
    assert!(!refused.is_ok(), "{refused:?}");
    assert!(!server.log().contains(GIVEN_UP), "{}", server.log());
    other.execute_batch("ROLLBACK").unwrap();
    assert!(refund("key-after").answer().is_ok());
    assert_eq!(home.payments().len(), 2);
}
