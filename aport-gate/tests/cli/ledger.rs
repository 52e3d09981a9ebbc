//! `ledger backup`, `ledger prune` and `keys`.

use aport_gate::Ledger;
use serde_json::json;

use crate::support::Place;

fn with_ledger() -> Place {
    let place = Place::new();
    std::fs::create_dir(place.home()).unwrap();
    drop(Ledger::open(&place.home().join("ledger.sqlite3")).unwrap());
    place
}

#[test]
fn a_backup_is_a_ledger_of_its_own_and_replaces_nothing() {
    let place = with_ledger();
    let answer = place
        .run(&["--json", "ledger", "backup", "copy.sqlite3"])
        .json(0);
    assert_eq!(answer["records"], json!(0));
    let copy = place.path("copy.sqlite3");
    let url = format!("sqlite:{}", copy.display());
    let mut verify = place.command(&["audit", "verify"]);
    let verified = verify.env("APORT_DATABASE_URL", url).output().unwrap();
    assert_eq!(verified.status.code(), Some(0));
    let again = place.run(&["ledger", "backup", "copy.sqlite3"]).fails();
    assert!(again.contains("copy.sqlite3"), "{again}");
}

#[test]
fn pruning_says_what_it_removed_and_takes_only_whole_days() {
    let place = with_ledger();
    let answer = place
        .run(&["--json", "ledger", "prune", "--key-days", "30"])
        .json(0);
    assert_eq!(
        answer,
        json!({ "counters": 0, "idempotency_keys": 0, "lost_reservations": 0 })
    );
    assert!(
        place
            .run(&["ledger", "prune", "--key-days", "0"])
            .fails()
            .contains("key-days")
    );
}

#[test]
fn neither_makes_a_ledger_that_is_not_there() {
    let place = Place::new();
    place.run(&["ledger", "backup", "copy.sqlite3"]).fails();
    place.run(&["ledger", "prune"]).fails();
    assert!(!place.home().exists() && !place.path("copy.sqlite3").exists());
}

#[test]
fn keys_are_made_by_rotation_and_published_without_their_secret() {
    let place = Place::new();
    assert_eq!(place.run(&["keys", "jwks"]).json(0), json!({ "keys": [] }));
    assert!(!place.home().exists());
    let kids: Vec<_> = (0..2)
        .map(|_| place.run(&["--json", "keys", "rotate"]).json(0)["kid"].clone())
        .collect();
    let jwks = place.run(&["keys", "jwks"]).json(0);
    assert_eq!(jwks["keys"][0]["kid"], kids[1]);
    assert_eq!(jwks["keys"][1]["kid"], kids[0]);
    assert!(
        jwks["keys"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key.get("d").is_none())
    );
    let told = place.run(&["keys", "rotate"]).exits(0);
    assert!(
        told.contains("next start") && told.contains("--new-key-after"),
        "servers and running registries differ: {told}"
    );
}

#[cfg(feature = "postgres")]
#[test]
fn migrate_makes_the_tables_of_a_database() {
    let Some(url) = aport_gate_test_postgres::database() else {
        return;
    };
    let place = Place::new();
    let on_database = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        let output = command.env("APORT_DATABASE_URL", &url).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for _ in 0..2 {
        let done = on_database(&["ledger", "migrate"]);
        assert!(done.contains("up to date"), "{done}");
    }
    let tables = aport_gate_test_postgres::query(&url, "SELECT version FROM aport_gate.version");
    assert_eq!(tables.len(), 1);
    assert!(on_database(&["--json", "ledger", "prune"]).contains("\"counters\""));
}
