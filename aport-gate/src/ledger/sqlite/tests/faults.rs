//! Death in the middle of a transaction, a full disk, and files that vanish.

use std::process::{Command, Stdio};

use super::*;
use crate::ledger::audit::Entry;
use crate::ledger::sqlite::{chain, counters, schema};
use aport_gate_oap::Charge;
use rusqlite::TransactionBehavior;

/// Set in the child that is killed.
const CHILD: &str = "APORT_TEST_KILLED_LEDGER";

#[test]
fn a_process_killed_inside_its_transaction_leaves_nothing_of_it() {
    use std::io::{BufRead as _, BufReader};
    if let Some(file) = std::env::var_os(CHILD) {
        die_inside_a_transaction(Path::new(&file));
    }
    let scratch = Scratch::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(spend(&scratch.open(), 3, 10, Some("acknowledged")));
    let test = "ledger::sqlite::tests::faults::a_process_killed_inside_its_transaction_leaves_nothing_of_it";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, scratch.file())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(
        output.lines().any(|line| line.unwrap().contains("inside")),
        "the child died early"
    );
    child.kill().unwrap();
    child.wait().unwrap();

    let ledger = scratch.open();
    runtime.block_on(async {
        let records = ledger.verify().await.unwrap().records;
        assert_eq!(
            records, 2,
            "a record of the killed transaction, or none of the one before"
        );
        assert!(!usage(&ledger, Some("killed")).await.key_seen);
        assert_eq!(
            total(&ledger).await,
            0,
            "the first was given back, the second never taken"
        );
        assert!(spend(&ledger, 10, 10, Some("killed")).await.decision.allow);
    });
}

/// Has written counters, reservation, key and record when it says so, and then waits to be killed.
fn die_inside_a_transaction(file: &Path) -> ! {
    let mut connection = schema::open(file).unwrap();
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    let charges = [Charge {
        counter: daily(),
        amount: 4,
    }];
    counters::take(&transaction, "agent", "pack.v1", &charges).unwrap();
    counters::take_key(&transaction, "agent", "pack.v1", "killed", "d1", 0).unwrap();
    let entry = Entry::new("decision", Some("d1"), &json!({})).unwrap();
    chain::append(&transaction, entry).unwrap();
    println!("inside");
    loop {
        std::thread::park();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_the_ledger_is_whole_when_there_is_room_again() {
    let scratch = Scratch::new();
    let backend =
        crate::ledger::sqlite::Sqlite::open(&scratch.file(), Retention::default()).unwrap();
    let queue = backend.worker.queue().unwrap().clone();
    let ledger = Ledger {
        backend: std::sync::Arc::new(backend),
    };
    spend(&ledger, 1, 1000, Some("before")).await;
    let limit = |pages: i64| {
        let queue = queue.clone();
        async move {
            queue
                .ask(move |connection| {
                    connection.pragma_update_and_check(
                        None,
                        "max_page_count",
                        pages,
                        |_| Ok(()),
                    )?;
                    Ok(())
                })
                .await
                .unwrap();
        }
    };
    // SQLite takes the present size where less is asked for.
    limit(1).await;
    let mut refusals = 0;
    for number in 0..200 {
        let key = format!("{number}-{}", "k".repeat(300));
        let asked = ledger
            .decide(
                "agent".into(),
                "pack.v1".into(),
                plan(Some(&key)),
                capped(1, 1000, Some(&key)),
            )
            .await;
        match asked {
            Ok(recorded) => drop(recorded),
            Err(error) => {
                assert!(matches!(error, LedgerError::Full { .. }), "{error}");
                refusals += 1;
            }
        }
    }
    assert!(refusals > 0, "the disk never became full");
    limit(1 << 30).await;
    ledger.verify().await.unwrap();
    assert!(spend(&ledger, 1, 1000, Some("after")).await.decision.allow);
    ledger.verify().await.unwrap();
    drop(queue);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_removed_or_replaced_while_in_use_refuses_every_call() {
    for suffix in ["", "-wal", "-shm"] {
        let scratch = Scratch::new();
        let ledger = scratch.open();
        spend(&ledger, 10, 10, None).await;
        let mut name = scratch.file().into_os_string();
        name.push(suffix);
        std::fs::rename(&name, scratch.directory.path().join("moved")).unwrap();
        let refused = || async {
            let error = ledger
                .decide(
                    "agent".into(),
                    "pack.v1".into(),
                    plan(None),
                    capped(1, 10, None),
                )
                .await
                .unwrap_err();
            assert!(
                matches!(error, LedgerError::Moved { .. }),
                "{suffix}: {error}"
            );
        };
        refused().await;
        std::fs::write(&name, "").unwrap();
        refused().await;
        assert!(ledger.verify().await.is_err());
        // Put back, it goes on where it was.
        std::fs::rename(scratch.directory.path().join("moved"), &name).unwrap();
        assert!(!spend(&ledger, 11, 10, None).await.decision.allow);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_write_ahead_log_lost_between_two_runs_shows_against_a_kept_head() {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    ledger.refuse(json!({ "code": "first" })).await.unwrap();
    let queue_of = crate::ledger::sqlite::schema::open(&scratch.file()).unwrap();
    queue_of
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    ledger.refuse(json!({ "code": "second" })).await.unwrap();
    let kept = ledger.head().await.unwrap();
    // As after a crash: the file and its log as they are, but the log is lost.
    let crashed = Scratch::new();
    std::fs::copy(scratch.file(), crashed.file()).unwrap();
    let after = crashed.open();
    assert_eq!(after.verify().await.unwrap().records, 1);
    let error = after.verify_against(kept).await.unwrap_err();
    assert!(matches!(error, LedgerError::Tampered { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    drop(scratch.open());
    for (path, mode) in [
        (scratch.file(), 0o400),
        (scratch.directory.path().to_owned(), 0o500),
    ] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    if std::fs::write(scratch.directory.path().join("probe"), "").is_ok() {
        eprintln!("this user writes where it may not: a read-only ledger is not tried");
        return;
    }
    let error = refused(&scratch.file());
    std::fs::set_permissions(
        scratch.directory.path(),
        std::fs::Permissions::from_mode(0o700),
    )
    .unwrap();
    assert!(matches!(error, LedgerError::Unwritable { .. }), "{error}");
}
