//! What is removed, what stays, and what a clock that moves may not do.

use super::*;
use crate::ledger::sqlite::upkeep;
use std::time::Duration;

const DAY: i64 = 86_400;

fn count(scratch: &Scratch, table: &str) -> i64 {
    let connection = Connection::open(scratch.file()).unwrap();
    let query = format!("SELECT count(*) FROM {table}");
    connection.query_row(&query, [], |row| row.get(0)).unwrap()
}

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

/// Runs one step of regular upkeep on a connection of its own.
fn look(scratch: &Scratch, now: i64) -> upkeep::Step {
    let mut connection = Connection::open(scratch.file()).unwrap();
    upkeep::look(&mut connection, &Retention::default(), now).unwrap()
}

fn looked_at(scratch: &Scratch, now: i64) {
    scratch.raw(&format!("UPDATE upkeep SET looked_at = {now}"));
}

#[tokio::test]
async fn ended_windows_and_old_keys_go_and_the_chain_stays_whole() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    assert!(
        spend_at(&ledger, "2020-01-01T12:00:00Z", 5, 10, Some("old"))
            .await
            .unwrap()
    );
    let today = Timestamp::now().to_string();
    assert!(spend_at(&ledger, &today, 7, 10, Some("new")).await.unwrap());
    let pruned = ledger.prune(Retention::default()).await.unwrap();
    assert_eq!(
        (
            pruned.counters,
            pruned.idempotency_keys,
            pruned.reservations
        ),
        (1, 1, 0)
    );
    assert_eq!(
        (
            count(&scratch, "counters"),
            count(&scratch, "idempotency_keys")
        ),
        (1, 1)
    );
    // The open window is as spent as before, and the key inside its retention still pays once.
    assert!(
        !spend_at(&ledger, &today, 4, 10, Some("other"))
            .await
            .unwrap()
    );
    assert!(!spend_at(&ledger, &today, 1, 10, Some("new")).await.unwrap());
    assert_eq!(ledger.verify().await.unwrap().records, 6);
}

#[tokio::test]
async fn nothing_younger_than_a_day_goes_however_short_the_retention() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let yesterday = Timestamp::now() - jiff::SignedDuration::from_hours(23);
    spend_at(&ledger, &yesterday.to_string(), 5, 10, Some("key"))
        .await
        .unwrap();
    let none = Retention::default()
        .counters(Duration::ZERO)
        .idempotency_keys(Duration::ZERO)
        .lost_reservations(Duration::ZERO);
    assert_eq!(
        ledger.prune(none).await.unwrap(),
        crate::ledger::Pruned::default()
    );
    assert_eq!(
        (
            count(&scratch, "counters"),
            count(&scratch, "idempotency_keys")
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn a_pending_reservation_keeps_its_key_and_its_counters() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let recorded = spend(&ledger, 5, 10, Some("running")).await;
    scratch.raw("UPDATE idempotency_keys SET taken_at = 0");
    ledger.prune(Retention::default()).await.unwrap();
    assert_eq!(count(&scratch, "idempotency_keys"), 1);
    drop(recorded);
}

#[tokio::test]
async fn a_large_backlog_goes_in_several_steps() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    scratch.raw(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1203)
         INSERT INTO counters SELECT 'a', 'p', 'c', i, 'day', 0, 86400, 1 FROM n",
    );
    assert!(look(&scratch, Timestamp::now().as_second() + 4000).more);
    assert_eq!(count(&scratch, "counters"), 703);
    assert_eq!(
        ledger.prune(Retention::default()).await.unwrap().counters,
        703
    );
}

#[test]
fn settled_reservations_do_not_pile_up() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for settlement in [Settlement::Commit, Settlement::Release, Settlement::Hold] {
            let mut reservation = spend(&ledger, 1, 10, None).await.reservation.unwrap();
            reservation.start();
            reservation
                .settle(BodyOutcome::Ok, settlement)
                .await
                .unwrap();
        }
    });
    assert_eq!(count(&scratch, "reservations"), 0);
}

#[tokio::test]
async fn a_clock_across_midnight_and_back_finds_both_days_spent() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let (before, after) = ("2026-11-23T23:59:59Z", "2026-11-24T00:00:01Z");
    assert!(spend_at(&ledger, before, 10, 10, None).await.unwrap());
    assert!(spend_at(&ledger, after, 10, 10, None).await.unwrap());
    assert!(!spend_at(&ledger, before, 1, 10, None).await.unwrap());
    assert!(!spend_at(&ledger, after, 1, 10, None).await.unwrap());
}

#[tokio::test]
async fn a_clock_set_back_before_what_was_pruned_is_refused_not_served_anew() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let spent = "2020-01-01T12:00:00Z";
    assert!(spend_at(&ledger, spent, 10, 10, None).await.unwrap());
    ledger.prune(Retention::default()).await.unwrap();
    let error = spend_at(&ledger, spent, 10, 10, None).await.unwrap_err();
    assert!(matches!(error, LedgerError::ClockBehind { .. }), "{error}");
    assert!(
        error.to_string().contains("2020-01-01T12:00:00Z"),
        "{error}"
    );
    assert!(
        spend_at(&ledger, &Timestamp::now().to_string(), 1, 10, None)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_for_a_while_removes_nothing() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let now = at("2026-11-23T12:00:00Z");
    spend_at(&ledger, "2026-11-23T12:00:00Z", 10, 10, Some("key"))
        .await
        .unwrap();
    looked_at(&scratch, now - DAY);
    let years = 4 * 365 * DAY;
    for ahead in [
        now + years,
        now + years + 60,
        now + years + 3500,
        now,
        now + 7200,
    ] {
        assert!(!look(&scratch, ahead).more);
    }
    assert_eq!(
        (
            count(&scratch, "counters"),
            count(&scratch, "idempotency_keys")
        ),
        (1, 1)
    );
    // What really passes is noticed: at the look after it.
    look(&scratch, now + 100 * DAY);
    look(&scratch, now + 101 * DAY);
    assert_eq!(
        (
            count(&scratch, "counters"),
            count(&scratch, "idempotency_keys")
        ),
        (0, 0)
    );
}

#[tokio::test]
async fn a_key_that_was_pruned_by_a_clock_ahead_pays_no_second_time_when_it_is_set_right() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let taken = "2026-11-24T12:00:00Z";
    assert!(spend_at(&ledger, taken, 1, 10, Some("key")).await.unwrap());
    scratch.raw("DELETE FROM counters");
    looked_at(&scratch, at(taken));
    // Two looks an hour apart remove it. Its counters are gone, so it is for the key alone.
    look(&scratch, at("2027-03-10T12:00:00Z"));
    look(&scratch, at("2027-03-10T13:30:00Z"));
    assert_eq!(count(&scratch, "idempotency_keys"), 0);
    for again in ["2026-11-24T13:00:00Z", "2027-02-22T10:59:00Z"] {
        let error = spend_at(&ledger, again, 1, 10, Some("key"))
            .await
            .unwrap_err();
        assert!(matches!(error, LedgerError::ClockBehind { .. }), "{error}");
    }
    // 90 days after it was taken it counts as new, whatever the clock did. Another machine's may be behind by less
    // than an hour.
    assert!(
        spend_at(&ledger, "2027-02-22T11:01:00Z", 1, 10, Some("key"))
            .await
            .unwrap()
    );
}

#[cfg(feature = "cli")]
#[tokio::test]
async fn a_preview_and_a_probe_refuse_a_clock_behind_what_was_pruned() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    ledger.probe().await.unwrap();
    scratch.raw("UPDATE upkeep SET pruned_until = 4102444800");
    let asked = ledger.usage("agent".into(), "pack.v1".into(), plan(None));
    for refused in [asked.await.map(drop), ledger.probe().await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, LedgerError::ClockBehind { .. }), "{error}");
        assert!(error.to_string().contains("2100-01-01"), "{error}");
    }
}

#[tokio::test]
async fn calls_prune_by_themselves() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    spend_at(&ledger, "2020-01-01T12:00:00Z", 5, 10, None)
        .await
        .unwrap();
    drop(ledger);
    looked_at(&scratch, at("2026-01-01T00:00:00Z"));
    let ledger = scratch.open();
    spend(&ledger, 1, 10, None).await;
    drop(ledger);
    assert_eq!(count(&scratch, "counters WHERE window_start > 0"), 0);
}

#[tokio::test]
async fn a_look_into_the_ledger_prunes_nothing() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    spend_at(&ledger, "2020-01-01T12:00:00Z", 5, 10, None)
        .await
        .unwrap();
    drop(ledger);
    looked_at(&scratch, at("2026-01-01T00:00:00Z"));
    let ledger = scratch.open();
    ledger.verify().await.unwrap();
    ledger.records(0, 10).await.unwrap();
    drop(ledger);
    assert_eq!(count(&scratch, "counters"), 1);
}

#[tokio::test]
async fn many_writes_are_moved_from_the_log_into_the_database() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let size = || std::fs::metadata(scratch.file()).unwrap().len();
    let begun = size();
    // More than `CHECKPOINT_EVERY`: the checkpoint comes after the answer to its write.
    for call in 0..1100 {
        ledger.refuse(json!({ "call": call })).await.unwrap();
    }
    assert!(size() > begun + 100_000, "{begun} {}", size());
    ledger.verify().await.unwrap();
}
