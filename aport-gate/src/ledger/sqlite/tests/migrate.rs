//! A ledger of the schema before.

use super::*;

const VERSION_1: &str = include_str!("../fixtures/version-1.sql");

fn old() -> Scratch {
    let scratch = Scratch::new();
    scratch.raw(VERSION_1);
    scratch
}

fn version(scratch: &Scratch) -> i32 {
    let connection = Connection::open(scratch.file()).unwrap();
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

fn tables(scratch: &Scratch) -> Vec<(String, Option<String>)> {
    let connection = Connection::open(scratch.file()).unwrap();
    let mut statement = connection
        .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
        .unwrap();
    statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[tokio::test]
async fn a_ledger_of_version_1_keeps_its_caps_keys_and_chain() {
    let scratch = old();
    let ledger = scratch.open();
    assert_eq!(version(&scratch), 2);
    assert_eq!(ledger.verify().await.unwrap().records, 9);
    assert_eq!(total(&ledger).await, 370);
    for (key, seen) in [
        ("key-paid", true),
        ("key-held", true),
        ("key-pending", true),
        ("key-given-back", false),
        ("key-denied", false),
    ] {
        assert_eq!(usage(&ledger, Some(key)).await.key_seen, seen, "{key}");
    }
    // It goes on: what is free of the cap may be spent, not more.
    assert!(!spend(&ledger, 631, 1000, Some("new")).await.decision.allow);
    assert!(spend(&ledger, 630, 1000, Some("new")).await.decision.allow);
}

#[test]
fn a_migrated_ledger_has_the_tables_of_a_new_one() {
    let (migrated, new) = (old(), Scratch::new());
    drop((migrated.open(), new.open()));
    assert_eq!(tables(&migrated), tables(&new));
}

#[test]
fn a_migration_that_fails_halfway_leaves_the_ledger_as_it_was() {
    let scratch = old();
    // In the way of the second half of the step.
    scratch.raw("CREATE TABLE upkeep (x)");
    let before = tables(&scratch);
    refused(&scratch.file());
    assert_eq!(version(&scratch), 1);
    assert_eq!(tables(&scratch), before);
    scratch.raw("DROP TABLE upkeep");
    drop(scratch.open());
    assert_eq!(version(&scratch), 2);
}

#[test]
fn many_processes_may_migrate_at_once() {
    let scratch = old();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| drop(scratch.open()));
        }
    });
    assert_eq!(version(&scratch), 2);
}

#[tokio::test]
async fn a_pending_reservation_of_version_1_is_taken_as_lost_a_day_later() {
    let scratch = old();
    let ledger = scratch.open();
    ledger.prune(Retention::default()).await.unwrap();
    assert_eq!(ledger.records_of("d5").await.unwrap().len(), 1);
    scratch.raw("UPDATE reservations SET open_until = open_until - 86401");
    let pruned = ledger.prune(Retention::default()).await.unwrap();
    assert_eq!(pruned.reservations, 1);
    let records = ledger.records_of("d5").await.unwrap();
    assert_eq!(records[1].body["outcome"], "abandoned");
    assert_eq!(records[1].body["reservation"], "held");
    ledger.verify().await.unwrap();
}
