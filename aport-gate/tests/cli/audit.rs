//! `audit` without a ledger. With one, it is tested beside running servers, in the tests crate.

use crate::support::Place;

#[test]
fn questions_about_a_ledger_that_is_not_there_make_none() {
    let place = Place::new();
    for arguments in [
        vec!["audit", "list"],
        vec!["audit", "show", "x"],
        vec!["audit", "verify"],
        vec!["audit", "head"],
        vec!["audit", "export"],
    ] {
        let error = place.run(&arguments).fails();
        assert!(
            error.contains("ledger.sqlite3") && error.contains("APORT_HOME"),
            "{error}"
        );
        assert!(!place.home().exists());
    }
}

#[test]
fn a_file_that_is_no_ledger_is_said() {
    let place = Place::new();
    place.write(
        "home/ledger.sqlite3",
        "not a database, but long enough to look like one\n".repeat(200),
    );
    let error = place.run(&["audit", "verify"]).fails();
    assert!(error.contains("ledger.sqlite3"), "{error}");
}
