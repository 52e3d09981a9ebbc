use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aport_gate_oap::{
    AgentId, Charge, CounterKey, Decision, Digest, Outcome, PackId, Usage, UsagePlan, Window,
};
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;

use super::*;

struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("ledger.db")
    }

    fn open(&self) -> Ledger {
        Ledger::open(&self.file()).unwrap()
    }

    fn raw(&self, sql: &str) {
        Connection::open(self.file())
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    }
}

fn daily() -> CounterKey {
    CounterKey {
        counter: "daily_total".to_owned(),
        key: "USD".to_owned(),
        window: Window::Day,
        window_start: 0,
        window_end: 86_400,
    }
}

fn decision(allow: bool) -> Decision {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let now = Timestamp::now();
    Decision {
        decision_id: format!("d{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        policy_id: PackId::parse("finance.payment.refund.v1").unwrap(),
        agent_id: AgentId::parse("ap_support").unwrap(),
        passport_id: None,
        owner_id: None,
        assurance_level: None,
        allow,
        outcome: if allow { Outcome::Allow } else { Outcome::Deny },
        reasons: Vec::new(),
        created_at: now,
        issued_at: now,
        expires_in: 60,
        expires_at: now,
        passport_digest: None,
        policy_hash: None,
        context_digest: Digest::of(b"{}"),
        tool: None,
    }
}

fn plan(key: Option<&str>) -> UsagePlan {
    UsagePlan {
        counters: vec![daily()],
        idempotency_key: key.map(str::to_owned),
    }
}

/// Allows when `amount` fits under `cap` and the key is new.
fn capped(amount: i64, cap: i64, key: Option<&str>) -> Box<dyn FnOnce(&Usage) -> Verdict + Send> {
    let idempotency_key = key.map(str::to_owned);
    Box::new(move |usage| {
        let fits = usage.counters[&daily()]
            .checked_add(amount)
            .is_none_or(|sum| sum <= cap);
        Verdict {
            decision: decision(fits && !usage.key_seen),
            tool: "refund".to_owned(),
            charges: vec![Charge {
                counter: daily(),
                amount,
            }],
            idempotency_key,
        }
    })
}

async fn spend(ledger: &Ledger, amount: i64, cap: i64, key: Option<&str>) -> Recorded {
    ledger
        .decide(
            "agent".into(),
            "pack.v1".into(),
            plan(key),
            capped(amount, cap, key),
        )
        .await
        .unwrap()
}

/// What a decision would see now.
async fn usage(ledger: &Ledger, key: Option<&str>) -> Usage {
    let (send, receive) = std::sync::mpsc::channel();
    let evaluate = Box::new(move |usage: &Usage| {
        send.send(Usage {
            counters: usage.counters.clone(),
            key_seen: usage.key_seen,
        })
        .unwrap();
        Verdict {
            decision: decision(false),
            tool: "look".to_owned(),
            charges: vec![Charge {
                counter: daily(),
                amount: 1,
            }],
            idempotency_key: Some("denied".to_owned()),
        }
    });
    let recorded = ledger
        .decide("agent".into(), "pack.v1".into(), plan(key), evaluate)
        .await
        .unwrap();
    assert!(recorded.reservation.is_none());
    receive.recv().unwrap()
}

async fn total(ledger: &Ledger) -> i64 {
    usage(ledger, None).await.counters[&daily()]
}

async fn last_outcome(ledger: &Ledger) -> serde_json::Value {
    let records = ledger.records(0, 100).await.unwrap();
    records
        .into_iter()
        .rfind(|record| record.kind == "outcome")
        .unwrap()
        .body
}

#[tokio::test]
async fn denied_call_is_recorded_and_charges_nothing() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let recorded = spend(&ledger, 11, 10, Some("k")).await;
    assert!(!recorded.decision.allow && recorded.reservation.is_none());
    let usage = usage(&ledger, Some("k")).await;
    assert_eq!(usage.counters, HashMap::from([(daily(), 0)]));
    assert!(!usage.key_seen);
    let first = ledger.records(0, 1).await.unwrap().remove(0);
    assert_eq!((first.sequence, first.kind.as_str()), (1, "decision"));
    assert_eq!(
        first.decision_id,
        Some(recorded.decision.decision_id.to_string())
    );
    assert_eq!(first.body["tool"], "refund");
}

#[tokio::test]
async fn committed_charge_and_key_stay_across_a_reopen() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let mut reservation = spend(&ledger, 7, 10, Some("k")).await.reservation.unwrap();
    reservation.start();
    reservation
        .settle(BodyOutcome::Ok, Settlement::Commit)
        .await
        .unwrap();
    assert_eq!(
        last_outcome(&ledger).await,
        json!({"outcome": "ok", "executed": true, "reservation": "committed"})
    );
    drop(ledger);
    let ledger = scratch.open();
    let seen = usage(&ledger, Some("k")).await;
    assert_eq!(seen.counters[&daily()], 7);
    assert!(seen.key_seen, "a replayed key is seen");
    assert!(spend(&ledger, 1, 10, Some("k")).await.reservation.is_none());
    assert!(spend(&ledger, 4, 10, None).await.reservation.is_none());
}

#[tokio::test]
async fn released_charge_and_key_are_given_back() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let mut reservation = spend(&ledger, 7, 10, Some("k")).await.reservation.unwrap();
    assert_eq!(total(&ledger).await, 7);
    reservation.start();
    reservation
        .settle(BodyOutcome::Error, Settlement::Release)
        .await
        .unwrap();
    let seen = usage(&ledger, Some("k")).await;
    assert_eq!((seen.counters[&daily()], seen.key_seen), (0, false));
}

#[tokio::test]
async fn held_charge_stays() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let mut reservation = spend(&ledger, 7, 10, Some("k")).await.reservation.unwrap();
    reservation.start();
    reservation
        .settle(BodyOutcome::Panicked, Settlement::Hold)
        .await
        .unwrap();
    let seen = usage(&ledger, Some("k")).await;
    assert_eq!((seen.counters[&daily()], seen.key_seen), (7, true));
}

#[tokio::test]
async fn drop_before_the_body_releases_and_after_it_holds() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    drop(spend(&ledger, 7, 10, Some("k")).await);
    assert_eq!(
        last_outcome(&ledger).await,
        json!({"outcome": "abandoned", "executed": false, "reservation": "released"})
    );
    assert_eq!(total(&ledger).await, 0);
    let mut reservation = spend(&ledger, 7, 10, Some("k")).await.reservation.unwrap();
    reservation.start();
    drop(reservation);
    assert_eq!(
        last_outcome(&ledger).await,
        json!({"outcome": "abandoned", "executed": true, "reservation": "held"})
    );
    assert_eq!(total(&ledger).await, 7);
}

#[tokio::test]
async fn undelivered_allow_is_released() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let slow: Box<dyn FnOnce(&Usage) -> Verdict + Send> = Box::new(|usage| {
        std::thread::sleep(Duration::from_millis(200));
        capped(7, 10, Some("k"))(usage)
    });
    let call = ledger.decide("agent".into(), "pack.v1".into(), plan(Some("k")), slow);
    assert!(
        tokio::time::timeout(Duration::from_millis(50), call)
            .await
            .is_err()
    );
    // The release is queued by the decision's own job, so it comes after the first look.
    assert_eq!(total(&ledger).await, 7);
    assert_eq!(total(&ledger).await, 0);
    assert_eq!(last_outcome(&ledger).await["reservation"], "released");
}

#[tokio::test]
async fn dropping_the_last_handle_writes_what_is_queued() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let recorded = spend(&ledger, 7, 10, None).await;
    drop(ledger);
    drop(recorded);
    let ledger = scratch.open();
    assert_eq!(total(&ledger).await, 0);
    assert_eq!(ledger.verify().await.unwrap().records, 3);
}

#[tokio::test]
async fn lost_reservation_of_a_dead_process_stays_counted() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    std::mem::forget(spend(&ledger, 7, 10, None).await);
    assert_eq!(total(&scratch.open()).await, 7);
}

#[tokio::test]
async fn panicking_evaluation_writes_nothing_and_the_ledger_goes_on() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let evaluate = Box::new(|_: &Usage| -> Verdict { panic!("bad rule") });
    let error = ledger
        .decide("agent".into(), "pack.v1".into(), plan(None), evaluate)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("bad rule"), "{error}");
    assert!(matches!(error, LedgerError::Evaluation { .. }));
    assert_eq!(ledger.verify().await.unwrap().records, 0);
    assert!(spend(&ledger, 1, 10, None).await.reservation.is_some());
}

#[tokio::test]
async fn charge_that_overflows_or_is_negative_writes_nothing() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    std::mem::forget(spend(&ledger, i64::MAX, i64::MAX, None).await);
    for amount in [1, -1] {
        let error = ledger
            .decide(
                "agent".into(),
                "pack.v1".into(),
                plan(None),
                capped(amount, i64::MAX, None),
            )
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                LedgerError::Overflow {
                    total: i64::MAX,
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(ledger.verify().await.unwrap().records, 1);
}

#[tokio::test]
async fn key_taken_twice_is_refused_even_when_the_evaluation_allows() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    std::mem::forget(spend(&ledger, 1, 10, Some("k")).await);
    // A plan without the key: the evaluation cannot see that it was used.
    let error = ledger
        .decide(
            "agent".into(),
            "pack.v1".into(),
            plan(None),
            capped(1, 10, Some("k")),
        )
        .await
        .unwrap_err();
    assert!(matches!(error, LedgerError::KeyTaken { .. }), "{error}");
    assert_eq!(total(&ledger).await, 1);
}

#[tokio::test]
async fn settling_a_settled_reservation_fails_and_records_nothing() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let reservation = spend(&ledger, 7, 10, None).await.reservation.unwrap();
    scratch.raw("UPDATE reservations SET state = 'released'");
    let error = reservation
        .settle(BodyOutcome::Ok, Settlement::Release)
        .await
        .unwrap_err();
    assert!(matches!(error, LedgerError::NotPending { .. }), "{error}");
    assert_eq!(total(&ledger).await, 7);
    assert_eq!(ledger.verify().await.unwrap().records, 2);
}

async fn tampered_at(sql: &str) -> u64 {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    for number in 1..=5 {
        ledger.refuse(json!({"number": number})).await.unwrap();
    }
    let summary = ledger.verify().await.unwrap();
    assert_eq!(summary.records, 5);
    assert_eq!(summary.head, ledger.records(4, 9).await.unwrap()[0].hash);
    scratch.raw(sql);
    match ledger.verify().await {
        Err(LedgerError::Tampered { sequence, .. }) => sequence,
        other => panic!("not noticed: {other:?}"),
    }
}

#[tokio::test]
async fn edited_removed_and_reordered_records_are_named() {
    let cases = [
        (
            r#"UPDATE audit SET body = '{"number":9}' WHERE sequence = 3"#,
            3,
        ),
        (
            "UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE sequence = 1",
            1,
        ),
        ("UPDATE audit SET decision_id = '' WHERE sequence = 2", 2),
        ("UPDATE audit SET kind = 'outcome' WHERE sequence = 5", 5),
        ("UPDATE audit SET hash = previous WHERE sequence = 4", 4),
        ("DELETE FROM audit WHERE sequence = 1", 1),
        ("DELETE FROM audit WHERE sequence = 3", 3),
        ("DELETE FROM audit WHERE sequence = 5", 5),
        ("DELETE FROM audit", 1),
        (
            "INSERT INTO audit SELECT 6, at, kind, decision_id, body, previous, hash FROM audit WHERE sequence = 5",
            6,
        ),
        (
            "UPDATE audit SET sequence = 100 WHERE sequence = 2;
             UPDATE audit SET sequence = 2 WHERE sequence = 4;
             UPDATE audit SET sequence = 4 WHERE sequence = 100;",
            2,
        ),
        (
            "DELETE FROM audit WHERE sequence = 3;
             UPDATE audit SET sequence = 3 WHERE sequence = 4;
             UPDATE audit SET sequence = 4 WHERE sequence = 5;",
            3,
        ),
    ];
    for (sql, sequence) in cases {
        assert_eq!(tampered_at(sql).await, sequence, "{sql}");
    }
}

#[test]
fn racing_handles_never_exceed_the_cap() {
    const CAP: usize = 20;
    let scratch = Scratch::new();
    let handles = [scratch.open(), scratch.open()];
    let start = Barrier::new(4);
    let allowed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let (ledger, start) = (handles[number % 2].clone(), &start);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .build()
                        .unwrap();
                    start.wait();
                    runtime.block_on(async {
                        let mut allowed = 0;
                        for _ in 0..15 {
                            let recorded = spend(&ledger, 1, CAP as i64, None).await;
                            if let Some(mut reservation) = recorded.reservation {
                                reservation.start();
                                reservation
                                    .settle(BodyOutcome::Ok, Settlement::Commit)
                                    .await
                                    .unwrap();
                                allowed += 1;
                            }
                        }
                        allowed
                    })
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(allowed, CAP);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let summary = runtime.block_on(handles[1].verify()).unwrap();
    assert_eq!(summary.records, 60 + CAP as u64);
}

#[test]
fn many_processes_may_create_the_file_at_once() {
    let scratch = Scratch::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| drop(scratch.open()));
        }
    });
}

fn refused(path: &Path) -> LedgerError {
    let error = Ledger::open(path).unwrap_err();
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    error
}

#[test]
fn corrupt_file_is_named() {
    let scratch = Scratch::new();
    std::fs::write(scratch.file(), "this is not a database ".repeat(100)).unwrap();
    assert!(matches!(
        refused(&scratch.file()),
        LedgerError::Corrupt { .. }
    ));
}

#[tokio::test]
async fn damaged_pages_are_an_error_that_names_the_file() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let mut bytes = std::fs::read(scratch.file()).unwrap();
    bytes[4096..].fill(0xa5);
    std::fs::write(scratch.file(), bytes).unwrap();
    let ledger = scratch.open();
    let error = ledger.refuse(json!({})).await.unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains(scratch.file().to_str().unwrap()));
}

#[test]
fn foreign_and_newer_files_are_refused_unchanged() {
    let scratch = Scratch::new();
    scratch.raw("CREATE TABLE theirs (x)");
    let before = std::fs::read(scratch.file()).unwrap();
    assert!(matches!(
        refused(&scratch.file()),
        LedgerError::Foreign { .. }
    ));
    assert_eq!(std::fs::read(scratch.file()).unwrap(), before);

    let scratch = Scratch::new();
    drop(scratch.open());
    scratch.raw("PRAGMA user_version = 2");
    let error = refused(&scratch.file());
    assert!(
        matches!(
            error,
            LedgerError::NewerSchema {
                found: 2,
                supported: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn directory_that_cannot_be_written_is_an_error() {
    let scratch = Scratch::new();
    std::fs::write(scratch.directory.path().join("file"), "").unwrap();
    let inside_a_file = scratch.directory.path().join("file/ledger.db");
    assert!(matches!(
        refused(&inside_a_file),
        LedgerError::Unwritable { .. }
    ));
    assert!(matches!(
        refused(scratch.directory.path()),
        LedgerError::Unwritable { .. }
    ));
}
