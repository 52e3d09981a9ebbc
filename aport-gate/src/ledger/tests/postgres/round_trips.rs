use super::*;

#[tokio::test]
async fn decision_and_settlement_take_one_round_trip_each() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    for number in 0..20 {
        let before = scene.proxy.round_trips();
        let recorded = spend(&scene.ledger, 1, 100, Some(&format!("k{number}"))).await;
        assert_eq!(scene.proxy.round_trips() - before, 1, "decision {number}");
        let settlement = [Settlement::Commit, Settlement::Release, Settlement::Hold][number % 3];
        let mut reservation = recorded.reservation.unwrap();
        reservation.start();
        reservation
            .settle(BodyOutcome::Ok, settlement)
            .await
            .unwrap();
        assert_eq!(scene.proxy.round_trips() - before, 2, "settlement {number}");
    }
    let before = scene.proxy.round_trips();
    assert!(!spend(&scene.ledger, 100, 100, None).await.decision.allow);
    assert!(
        !spend(&scene.ledger, 1, 100, Some("k0"))
            .await
            .decision
            .allow
    );
    scene.ledger.refuse(serde_json::json!({})).await.unwrap();
    assert_eq!(
        scene.proxy.round_trips() - before,
        3,
        "a denial, a replay, a refusal"
    );
    // Released were 1, 4, …, 19: seven of twenty.
    assert_eq!(scene.total(), 13);
}

#[tokio::test]
async fn what_another_server_spent_costs_two_round_trips_more() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let other = Ledger::connect(&scene.url, LIMIT).await.unwrap();
    for number in 0..10 {
        commit(spend(&other, 1, 100, None).await).await.unwrap();
        let before = scene.proxy.round_trips();
        let recorded = spend(&scene.ledger, 1, 100, None).await;
        assert_eq!(scene.proxy.round_trips() - before, 3, "decision {number}");
        commit(recorded).await.unwrap();
    }
    assert_eq!(scene.total(), 20);
    assert_eq!(total(&other).await, 20);
}

#[tokio::test]
async fn callers_that_wait_share_a_round_trip() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let before = scene.proxy.round_trips();
    let calls = (0..64).map(|number| {
        let ledger = scene.ledger.clone();
        tokio::spawn(async move {
            let key = format!("k{number}");
            let recorded = spend(&ledger, 1, 50, Some(&key)).await;
            let allowed = recorded.decision.allow;
            if allowed {
                commit(recorded).await.unwrap();
            }
            allowed
        })
    });
    let allowed = futures::future::join_all(calls.collect::<Vec<_>>()).await;
    let allowed = allowed
        .into_iter()
        .filter(|call| *call.as_ref().unwrap())
        .count();
    assert_eq!(allowed, 50);
    assert_eq!(scene.total(), 50);
    let trips = scene.proxy.round_trips() - before;
    assert!(trips < 64, "{trips} round trips for 114 writes");
    assert_eq!(scene.ledger.verify().await.unwrap().records, 114);
}

#[tokio::test]
async fn one_key_among_waiting_callers_is_paid_once() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let calls = (0..32).map(|_| spend(&scene.ledger, 1, 100, Some("one")));
    let recorded = futures::future::join_all(calls).await;
    let allowed = recorded.iter().filter(|one| one.decision.allow).count();
    assert_eq!((allowed, scene.total()), (1, 1));
}

#[tokio::test]
async fn text_that_cannot_be_stored_fails_only_its_own_call() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let (bad, good) = futures::join!(
        try_spend(&scene.ledger, 1, 100, Some("a\0b")),
        try_spend(&scene.ledger, 1, 100, Some("ab")),
    );
    assert!(
        matches!(bad, Err(LedgerError::Unstorable { .. })),
        "{bad:?}"
    );
    assert!(good.unwrap().decision.allow);
    // Keys far beyond what an index row holds.
    let long = "k".repeat(1 << 20);
    let held = spend(&scene.ledger, 1, 100, Some(&long)).await;
    assert!(held.decision.allow);
    let again = spend(&scene.ledger, 1, 100, Some(&long)).await;
    assert!(!again.decision.allow);
    scene.ledger.verify().await.unwrap();
}

#[tokio::test]
async fn lock_that_is_not_given_up_ends_in_a_refusal() {
    let Some(scene) = Scene::with_limit(Duration::from_millis(1500)).await else {
        return;
    };
    let url = scene.url.clone();
    let blocker = std::thread::spawn(move || {
        query(
            &url,
            "BEGIN; LOCK TABLE turn IN EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT",
        )
    });
    until(async || {
        !scene
            .query(
                "SELECT 1 FROM pg_locks WHERE relation = 'aport_gate.turn'::regclass AND granted",
            )
            .is_empty()
    })
    .await;
    let refused = try_spend(&scene.ledger, 1, 100, None).await;
    assert!(
        matches!(
            refused,
            Err(LedgerError::Busy { .. } | LedgerError::CommitUnknown { .. })
        ),
        "{refused:?}"
    );
    blocker.join().unwrap();
    until(async || {
        scene
            .query("SELECT 1 FROM reservations WHERE state = 'pending'")
            .is_empty()
    })
    .await;
    assert_eq!(scene.total(), 0);
    until(async || try_spend(&scene.ledger, 1, 100, None).await.is_ok()).await;
}
