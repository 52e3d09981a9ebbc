//! Opening a file: whose it is, and what is wrong with it.

use super::*;

#[test]
fn many_processes_may_create_the_file_at_once() {
    let scratch = Scratch::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| drop(scratch.open()));
        }
    });
}

#[test]
fn corrupt_file_is_named() {
    let scratch = Scratch::new();
    std::fs::write(scratch.file(), "this is not a database ".repeat(100)).unwrap();
    assert!(matches!(
        refused(&scratch.file()),
        LedgerError::Corrupt { .. }
    ));
}

#[tokio::test]
async fn damaged_pages_are_an_error_that_names_the_file() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let mut bytes = std::fs::read(scratch.file()).unwrap();
    bytes[4096..].fill(0xa5);
    std::fs::write(scratch.file(), bytes).unwrap();
    let ledger = scratch.open();
    let error = ledger.refuse(json!({})).await.unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains(scratch.file().to_str().unwrap()));
}

#[test]
fn foreign_and_newer_files_are_refused_unchanged() {
    let scratch = Scratch::new();
    scratch.raw("CREATE TABLE theirs (x)");
    let before = std::fs::read(scratch.file()).unwrap();
    assert!(matches!(
        refused(&scratch.file()),
        LedgerError::Foreign { .. }
    ));
    assert_eq!(std::fs::read(scratch.file()).unwrap(), before);

    let scratch = Scratch::new();
    drop(scratch.open());
    scratch.raw("PRAGMA user_version = 3");
    let error = refused(&scratch.file());
    assert!(
        matches!(
            error,
            LedgerError::NewerSchema {
                found: 3,
                supported: 2,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn tables_that_are_missing_or_of_another_version_are_named() {
    let scratch = Scratch::new();
    drop(scratch.open());
    scratch.raw("PRAGMA user_version = 1");
    let error = refused(&scratch.file()).to_string();
    assert!(
        error.contains("`user_version`") && error.contains("version 1"),
        "{error}"
    );

    let scratch = Scratch::new();
    drop(scratch.open());
    scratch.raw("DROP TABLE audit");
    let error = match Ledger::open(&scratch.file()) {
        Err(error) => error,
        Ok(ledger) => ledger.refuse(json!({})).await.unwrap_err(),
    };
    assert!(
        error.to_string().contains("no such table: audit"),
        "{error}"
    );
}

#[test]
fn directory_that_cannot_be_written_is_an_error() {
    let scratch = Scratch::new();
    std::fs::write(scratch.directory.path().join("file"), "").unwrap();
    let inside_a_file = scratch.directory.path().join("file/ledger.db");
    assert!(matches!(
        refused(&inside_a_file),
        LedgerError::Unwritable { .. }
    ));
    assert!(matches!(
        refused(scratch.directory.path()),
        LedgerError::Unwritable { .. }
    ));
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_and_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixListener;
    let scratch = Scratch::new();
    let socket = scratch.directory.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let mode = || std::fs::metadata(&socket).unwrap().permissions().mode();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    let before = mode();
    let error = refused(&socket);
    assert!(error.to_string().contains("no regular file"), "{error}");
    assert_eq!(mode(), before);
}
