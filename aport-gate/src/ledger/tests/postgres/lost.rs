//! A connection that breaks at every moment.

use aport_gate_test_postgres::Fault;

use super::*;

/// The decision is refused, nothing stays taken, and the ledger recovers.
async fn decision_is_given_back_after(fault: Fault, limit: Duration) {
    let Some(scene) = Scene::with_limit(limit).await else {
        return;
    };
    commit(spend(&scene.ledger, 5, 100, None).await)
        .await
        .unwrap();
    scene.proxy.arm(fault);
    let lost = try_spend(&scene.ledger, 7, 100, Some("lost")).await;
    assert!(
        matches!(lost, Err(LedgerError::CommitUnknown { .. })),
        "{lost:?}"
    );
    // By itself: no call is made meanwhile.
    until(async || {
        let states = "SELECT 1 FROM reservations WHERE state IN ('void', 'released')";
        !scene.query(states).is_empty()
    })
    .await;
    assert_eq!(scene.total(), 5);
    let seen = usage(&scene.ledger, Some("lost")).await;
    assert_eq!((seen.counters[&daily()], seen.key_seen), (5, false));
    assert!(
        spend(&scene.ledger, 95, 100, Some("lost"))
            .await
            .decision
            .allow
    );
    scene.ledger.verify().await.unwrap();
}

#[tokio::test]
async fn connection_cut_before_the_question_arrives() {
    decision_is_given_back_after(Fault::CutBeforeServer, LIMIT).await;
}

#[tokio::test]
async fn connection_cut_before_the_answer_arrives() {
    decision_is_given_back_after(Fault::CutAnswer, LIMIT).await;
}

#[tokio::test]
async fn answer_that_never_comes() {
    decision_is_given_back_after(Fault::LoseAnswer, Duration::from_secs(1)).await;
}

#[tokio::test]
async fn decision_that_commits_after_it_was_given_up_is_refused_by_the_database() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    // What `decide` does for a decision whose server gave it up: its row is there.
    scene.query("SELECT status FROM settle('late', 'released', 'now', '{}', true)");
    let late = aport_gate_test_postgres::try_query(
        &scene.url,
        "SELECT status FROM decide('late', 'now', '{}', true, 'a', 'p', '{}', '{}', NULL, false,
         '{}', '{}', '{}', '{}', '{}', '{}', '{}', NULL, NULL, 0, 0)",
    );
    assert!(late.unwrap_err().contains("duplicate key"));
    assert_eq!(scene.ledger.verify().await.unwrap().records, 0);
}

#[tokio::test]
async fn settlement_whose_answer_is_lost_is_recorded_once() {
    for fault in [Fault::CutBeforeServer, Fault::CutAnswer] {
        for settlement in [Settlement::Commit, Settlement::Release, Settlement::Hold] {
            let Some(scene) = Scene::new().await else {
                return;
            };
            let mut reservation = spend(&scene.ledger, 7, 100, None)
                .await
                .reservation
                .unwrap();
            reservation.start();
            scene.proxy.arm(fault);
            let lost = reservation.settle(BodyOutcome::Ok, settlement).await;
            assert!(
                matches!(lost, Err(LedgerError::CommitUnknown { .. })),
                "{lost:?}"
            );
            until(async || {
                scene
                    .query("SELECT 1 FROM audit WHERE kind = 'outcome'")
                    .len()
                    == 1
            })
            .await;
            // The try after it finds it done.
            spend(&scene.ledger, 1, 100, None).await;
            let left = if settlement == Settlement::Release {
                0
            } else {
                7
            };
            until(async || scene.total() == left).await;
            assert_eq!(scene.query("SELECT 1 FROM audit WHERE decision_id IN (SELECT decision_id FROM audit WHERE kind = 'outcome') AND kind = 'outcome' GROUP BY decision_id HAVING count(*) > 1").len(), 0);
            scene.ledger.verify().await.unwrap();
        }
    }
}

#[tokio::test]
async fn database_that_is_away_refuses_calls_and_is_found_again() {
    let Some(scene) = Scene::with_limit(Duration::from_secs(2)).await else {
        return;
    };
    let recorded = spend(&scene.ledger, 7, 100, None).await;
    #[cfg(any(feature = "cli", feature = "http"))]
    assert!(scene.ledger.is_connected());
    scene.proxy.go_away();
    until(async || {
        matches!(
            try_spend(&scene.ledger, 1, 100, None).await,
            Err(LedgerError::Unreachable { .. })
        )
    })
    .await;
    #[cfg(any(feature = "cli", feature = "http"))]
    assert!(!scene.ledger.is_connected());
    // The body ran before; its outcome waits.
    assert!(commit(recorded).await.is_err());
    assert!(scene.ledger.verify().await.is_err());
    scene.proxy.come_back();
    until(async || {
        scene
            .query("SELECT 1 FROM reservations WHERE state = 'committed'")
            .len()
            == 1
    })
    .await;
    commit(spend(&scene.ledger, 1, 100, None).await)
        .await
        .unwrap();
    assert_eq!(scene.total(), 8);
    #[cfg(any(feature = "cli", feature = "http"))]
    assert!(scene.ledger.is_connected());
    scene.ledger.verify().await.unwrap();
}

#[tokio::test]
async fn connection_that_broke_while_idle_costs_no_call() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    for _ in 0..3 {
        commit(spend(&scene.ledger, 1, 100, None).await)
            .await
            .unwrap();
        scene.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'aport-gate' AND datname = current_database()");
        // The news of the end takes its way through the proxy.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(scene.total(), 3);
}

#[tokio::test]
async fn standby_is_refused_until_it_takes_writes() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let name = scene.query("SELECT current_database()").remove(0);
    scene.query(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ));
    let other = Ledger::connect(&scene.url, LIMIT).await.unwrap();
    let refused = try_spend(&other, 1, 100, None).await;
    assert!(
        matches!(refused, Err(LedgerError::Unreachable { .. })),
        "{refused:?}"
    );
    let reset = format!(
        "BEGIN READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT"
    );
    scene.query(&reset);
    until(async || try_spend(&other, 1, 100, None).await.is_ok()).await;
}
