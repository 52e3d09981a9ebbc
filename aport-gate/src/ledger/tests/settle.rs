use serde_json::json;

use super::*;

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
    let (evaluating, started) = tokio::sync::oneshot::channel();
    let (go_on, caller_gone) = std::sync::mpsc::channel();
    let slow = Box::new(move |usage: &Usage| {
        evaluating.send(()).unwrap();
        caller_gone.recv().unwrap();
        capped(7, 10, Some("k"))(usage)
    });
    let call = ledger.decide("agent".into(), "pack.v1".into(), plan(Some("k")), slow);
    tokio::select! {
        biased;
        _ = call => panic!("answered while it evaluates"),
        _ = started => {}
    }
    go_on.send(()).unwrap();
    // The decision's own job queues the release: it may come after the first look.
    total(&ledger).await;
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
