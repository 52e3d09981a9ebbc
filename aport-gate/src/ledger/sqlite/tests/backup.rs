//! Copies of a ledger in use.

use super::*;

#[tokio::test]
async fn a_backup_taken_while_decisions_go_on_verifies_and_is_a_ledger() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    spend(&ledger, 5, 1000, Some("before"))
        .await
        .reservation
        .unwrap()
        .settle(BodyOutcome::Ok, Settlement::Commit)
        .await
        .unwrap();
    let copy = scratch.directory.path().join("copy.db");
    let busy = tokio::spawn({
        let ledger = ledger.clone();
        async move {
            for _ in 0..50 {
                spend(&ledger, 1, 1000, None).await;
            }
        }
    });
    let summary = ledger.backup(&copy).await.unwrap();
    busy.await.unwrap();
    assert!(summary.records >= 2);
    let restored = Ledger::open(&copy).unwrap();
    assert_eq!(restored.verify().await.unwrap(), summary);
    assert!(usage(&restored, Some("before")).await.key_seen);
    assert!(total(&restored).await >= 5);
    // The original was not touched, and nothing else lies around.
    ledger.verify().await.unwrap();
    drop((ledger, restored));
    let mut left: Vec<_> = std::fs::read_dir(scratch.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["copy.db", "ledger.db"]);
}

#[tokio::test]
async fn an_existing_file_is_not_overwritten() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    let copy = scratch.directory.path().join("copy.db");
    std::fs::write(&copy, "older backup").unwrap();
    let error = ledger.backup(&copy).await.unwrap_err();
    assert!(matches!(error, LedgerError::Backup { .. }), "{error}");
    assert_eq!(std::fs::read(&copy).unwrap(), b"older backup");
    let nowhere = scratch.directory.path().join("missing/copy.db");
    assert!(ledger.backup(&nowhere).await.is_err());
}

#[tokio::test]
async fn a_ledger_that_was_tampered_with_is_not_passed_on_as_a_backup() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    spend(&ledger, 5, 1000, None).await;
    scratch.raw("UPDATE audit SET body = '{}' WHERE sequence = 1");
    let copy = scratch.directory.path().join("copy.db");
    let error = ledger.backup(&copy).await.unwrap_err();
    assert!(
        matches!(error, LedgerError::Tampered { sequence: 1, .. }),
        "{error}"
    );
    assert!(!copy.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_backup_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    let copy = scratch.directory.path().join("copy.db");
    scratch.open().backup(&copy).await.unwrap();
    assert_eq!(
        std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
        0o600
    );
}
