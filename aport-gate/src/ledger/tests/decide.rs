use std::collections::HashMap;
use std::sync::Barrier;

use super::*;

behaviours!(sqlite memory postgres: {
    denied_call_is_recorded_and_charges_nothing,
    panicking_evaluation_writes_nothing_and_the_ledger_goes_on,
    charge_that_overflows_or_is_negative_writes_nothing,
    key_taken_twice_is_refused_even_when_the_evaluation_allows,
    decision_on_record_allows_no_other_call_even_where_it_was_given_back,
    racing_handles_never_exceed_the_cap,
});

async fn denied_call_is_recorded_and_charges_nothing(scratch: Scratch) {
    let ledger = scratch.open().await;
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

async fn panicking_evaluation_writes_nothing_and_the_ledger_goes_on(scratch: Scratch) {
    let ledger = scratch.open().await;
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

async fn charge_that_overflows_or_is_negative_writes_nothing(scratch: Scratch) {
    let ledger = scratch.open().await;
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

async fn key_taken_twice_is_refused_even_when_the_evaluation_allows(scratch: Scratch) {
    let ledger = scratch.open().await;
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

async fn decision_on_record_allows_no_other_call_even_where_it_was_given_back(scratch: Scratch) {
    let ledger = scratch.open().await;
    let same = decision(true);
    for (settlement, id) in [
        (Some(Settlement::Release), "given back"),
        (Some(Settlement::Commit), "committed"),
        (None, "pending"),
    ] {
        let ask = || {
            let (mut decision, mut evaluate) = (same.clone(), capped(1, 10, None));
            decision.decision_id = id.to_owned();
            let evaluate: Evaluate = Box::new(move |usage| Verdict {
                decision: decision.clone(),
                ..evaluate(usage)
            });
            ledger.decide("agent".into(), "pack.v1".into(), plan(None), evaluate)
        };
        let reservation = ask().await.unwrap().reservation.unwrap();
        match settlement {
            Some(settlement) => {
                let settled = reservation.settle(BodyOutcome::Error, settlement).await;
                settled.unwrap();
            }
            None => std::mem::forget(reservation),
        }
        let records = ledger.head().await.unwrap();
        let error = ask().await.unwrap_err();
        assert!(
            matches!(error, LedgerError::DecisionTaken { .. }),
            "{id}: {error}"
        );
        assert_eq!(ledger.head().await.unwrap(), records, "{id}");
    }
    // Two of the three took something for good, and no refused one did.
    assert_eq!(total(&ledger).await, 2);
    // Another decision is another matter.
    assert!(spend(&ledger, 1, 10, None).await.reservation.is_some());
}

async fn racing_handles_never_exceed_the_cap(scratch: Scratch) {
    const CAP: usize = 20;
    let handles = [scratch.open().await, scratch.open().await];
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
    let summary = handles[1].verify().await.unwrap();
    assert_eq!(summary.records, 60 + CAP as u64);
}
