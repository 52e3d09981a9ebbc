//! Writes that share a transaction.

use std::sync::mpsc;

use super::*;
use crate::ledger::sqlite::Sqlite;
use crate::ledger::sqlite::worker::Queue;

/// A ledger whose thread stands still until the returned sender is dropped: what is asked for
/// meanwhile waits together.
fn standing(scratch: &Scratch) -> (Ledger, Queue, mpsc::Sender<()>) {
    let backend = Sqlite::open(&scratch.file(), Retention::default()).unwrap();
    let queue = backend.worker.queue().unwrap().clone();
    let (go, wait) = mpsc::channel::<()>();
    let standing = queue.clone();
    tokio::spawn(async move {
        let stood = standing.ask(move |_| {
            let _ = wait.recv();
            Ok(())
        });
        stood.await.unwrap();
    });
    let backend = std::sync::Arc::new(backend);
    (Ledger { backend }, queue, go)
}

/// Lets spawned tasks send what they ask for.
async fn asked() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn writes_that_wait_together_share_a_transaction_and_spend_a_cap_once() {
    let scratch = Scratch::new();
    let (ledger, queue, go) = standing(&scratch);
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let recorded = spend(&ledger, 1, 7, None).await;
                let allow = recorded.decision.allow;
                std::mem::forget(recorded.reservation);
                allow
            })
        })
        .collect();
    asked().await;
    // Runs behind them; nothing of theirs is committed yet.
    let file = scratch.file();
    let committed = queue.write(move |_| {
        let other = Connection::open(&file)?;
        let query = "SELECT count(*) FROM audit";
        Ok(other.query_row(query, [], |row| row.get::<_, i64>(0))?)
    });
    drop(go);
    assert_eq!(committed.await.unwrap(), 0);
    let mut allowed = 0;
    for caller in callers {
        allowed += u32::from(caller.await.unwrap());
    }
    assert_eq!(allowed, 7);
    assert_eq!(ledger.verify().await.unwrap().records, 20);
    drop(queue);
}

#[tokio::test]
async fn one_that_fails_takes_nothing_of_the_others_with_it() {
    let scratch = Scratch::new();
    let (ledger, queue, go) = standing(&scratch);
    let ask = |panics: bool, key: &'static str| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            let mut evaluate = capped(1, 100, Some(key));
            let evaluate = Box::new(move |usage: &Usage| {
                assert!(!panics, "on purpose");
                evaluate(usage)
            });
            let recorded = ledger
                .decide("agent".into(), "pack.v1".into(), plan(Some(key)), evaluate)
                .await?;
            std::mem::forget(recorded.reservation);
            Ok::<_, LedgerError>(recorded.decision.allow)
        })
    };
    let (first, second, third) = (
        ask(false, "first"),
        ask(true, "second"),
        ask(false, "third"),
    );
    // Half written when it fails.
    let half = queue.write(|ledger| {
        ledger.execute("UPDATE counters SET total = 99", [])?;
        Err::<(), _>(crate::ledger::error::Problem::Corrupt(
            "on purpose".to_owned(),
        ))
    });
    asked().await;
    drop(go);
    assert!(first.await.unwrap().unwrap() && third.await.unwrap().unwrap());
    let error = second.await.unwrap().unwrap_err();
    assert!(matches!(error, LedgerError::Evaluation { .. }), "{error}");
    assert!(half.await.is_err());
    assert_eq!(total(&ledger).await, 2);
    assert!(!usage(&ledger, Some("second")).await.key_seen);
    ledger.verify().await.unwrap();
    drop(queue);
}

#[tokio::test]
async fn who_no_longer_waits_takes_nothing_from_a_shared_transaction() {
    let scratch = Scratch::new();
    let (ledger, queue, go) = standing(&scratch);
    let ask = || {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            spend(&ledger, 5, 100, None)
                .await
                .reservation
                .map(std::mem::forget)
        })
    };
    let (stays, leaves) = (ask(), ask());
    asked().await;
    leaves.abort();
    assert!(leaves.await.is_err());
    drop(go);
    stays.await.unwrap();
    assert_eq!(total(&ledger).await, 5);
    drop(queue);
}

#[tokio::test]
async fn an_answer_comes_after_the_commit() {
    let scratch = Scratch::new();
    let (ledger, queue, go) = standing(&scratch);
    let file = scratch.file();
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (ledger, file) = (ledger.clone(), file.clone());
            tokio::spawn(async move {
                let recorded = spend(&ledger, 1, 100, None).await;
                // Another connection sees it at once.
                let id = recorded.decision.decision_id.clone();
                let other = Connection::open(file).unwrap();
                let query = "SELECT count(*) FROM audit WHERE decision_id = ?1";
                other
                    .query_row(query, [id], |row| row.get::<_, i64>(0))
                    .unwrap()
            })
        })
        .collect();
    asked().await;
    drop(go);
    for caller in callers {
        assert!(caller.await.unwrap() >= 1);
    }
    drop(queue);
}

#[tokio::test]
async fn writes_whose_shared_transaction_fails_are_done_each_for_itself() {
    let scratch = Scratch::new();
    let (ledger, queue, go) = standing(&scratch);
    let ask = || {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            let recorded = spend(&ledger, 1, 100, None).await;
            std::mem::forget(recorded.reservation);
            recorded.decision.allow
        })
    };
    let before = ask();
    asked().await;
    // As a full disk does: it ends the transaction around it.
    let ends = queue.write(|ledger| {
        ledger.execute_batch("ROLLBACK")?;
        Err::<(), _>(crate::ledger::error::Problem::Corrupt(
            "on purpose".to_owned(),
        ))
    });
    let after = ask();
    asked().await;
    drop(go);
    assert!(before.await.unwrap() && after.await.unwrap());
    assert!(ends.await.is_err());
    assert_eq!(total(&ledger).await, 2);
    assert_eq!(ledger.verify().await.unwrap().records, 3);
    drop(queue);
}
