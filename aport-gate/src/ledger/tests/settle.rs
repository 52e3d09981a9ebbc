use serde_json::json;

use super::*;

behaviours!(sqlite memory postgres: {
    committed_charge_and_key_stay_across_a_reopen,
    released_charge_and_key_are_given_back,
    held_charge_stays,
    drop_before_the_body_releases_and_after_it_holds,
    dropping_the_last_handle_writes_what_is_queued,
    lost_reservation_of_a_dead_process_stays_counted,
    settling_a_settled_reservation_fails_and_records_nothing,
});

// In memory a decision is never under way while its caller goes: nothing in it waits.
mod under_way {
    use super::{behaviours, undelivered_allow_is_released};

    behaviours!(sqlite postgres: { undelivered_allow_is_released });
}

async fn committed_charge_and_key_stay_across_a_reopen(scratch: Scratch) {
    let ledger = scratch.open().await;
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
    let ledger = scratch.open().await;
    let seen = usage(&ledger, Some("k")).await;
    assert_eq!(seen.counters[&daily()], 7);
    assert!(seen.key_seen, "a replayed key is seen");
    assert!(spend(&ledger, 1, 10, Some("k")).await.reservation.is_none());
    assert!(spend(&ledger, 4, 10, None).await.reservation.is_none());
}

async fn released_charge_and_key_are_given_back(scratch: Scratch) {
    let ledger = scratch.open().await;
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

async fn held_charge_stays(scratch: Scratch) {
    let ledger = scratch.open().await;
    let mut reservation = spend(&ledger, 7, 10, Some("k")).await.reservation.unwrap();
    reservation.start();
    reservation
        .settle(BodyOutcome::Panicked, Settlement::Hold)
        .await
        .unwrap();
    let seen = usage(&ledger, Some("k")).await;
    assert_eq!((seen.counters[&daily()], seen.key_seen), (7, true));
}

async fn drop_before_the_body_releases_and_after_it_holds(scratch: Scratch) {
    let ledger = scratch.open().await;
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

async fn undelivered_allow_is_released(scratch: Scratch) {
    let ledger = scratch.open().await;
    let (evaluating, started) = tokio::sync::oneshot::channel();
    let (go_on, caller_gone) = std::sync::mpsc::channel();
    let mut evaluating = Some(evaluating);
    let slow = Box::new(move |usage: &Usage| {
        evaluating.take().unwrap().send(()).unwrap();
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

async fn dropping_the_last_handle_writes_what_is_queued(scratch: Scratch) {
    let ledger = scratch.open().await;
    let recorded = spend(&ledger, 7, 10, None).await;
    drop(ledger);
    drop(recorded);
    let ledger = scratch.open().await;
    assert_eq!(total(&ledger).await, 0);
    assert_eq!(ledger.verify().await.unwrap().records, 3);
}

async fn lost_reservation_of_a_dead_process_stays_counted(scratch: Scratch) {
    let ledger = scratch.open().await;
    std::mem::forget(spend(&ledger, 7, 10, None).await);
    assert_eq!(total(&scratch.open().await).await, 7);
}

async fn settling_a_settled_reservation_fails_and_records_nothing(scratch: Scratch) {
    let ledger = scratch.open().await;
    let reservation = spend(&ledger, 7, 10, None).await.reservation.unwrap();
    scratch
        .edit(&Edit {
            sql: "UPDATE reservations SET state = 'released'",
            memory: |state| {
                for reserved in state.reservations.values_mut() {
                    reserved.state = "released";
                }
            },
        })
        .await;
    let error = reservation
        .settle(BodyOutcome::Ok, Settlement::Release)
        .await
        .unwrap_err();
    assert!(matches!(error, LedgerError::NotPending { .. }), "{error}");
    assert_eq!(total(&ledger).await, 7);
    assert_eq!(ledger.verify().await.unwrap().records, 2);
}
