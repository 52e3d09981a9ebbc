//! An intention outlives the program that had it.

use serde_json::{Value, json};

use super::arguments;
use super::wire::{Fate, Wire};
use crate::client::{ClientError, Intention, Retry, StoredIntention, StoredIntentionError};

fn asked() -> rmcp::model::JsonObject {
    arguments(json!({ "amount": 100, "order": "o-1" }))
}

fn once() -> Retry {
    Retry {
        max_attempts: 1,
        ..Retry::default()
    }
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn the_second_start_has_the_key_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refund.json");
    let first = StoredIntention::load_or_new(&path, "pay", asked()).unwrap();
    assert!(!first.is_resumed());
    assert_eq!(names(folder.path()), ["refund.json"]);
    let second = StoredIntention::load_or_new(&path, "pay", asked()).unwrap();
    assert_eq!((first.key(), second.is_resumed()), (second.key(), true));
    // What an earlier version wrote with serde is read as well.
    let own = Intention::with_key("pay", asked(), "k-1");
    std::fs::write(&path, serde_json::to_vec(&own).unwrap()).unwrap();
    let third = StoredIntention::load_or_new(&path, "pay", asked()).unwrap();
    assert_eq!(third.key(), "k-1");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.path().join("own.json");
        let _ = StoredIntention::load_or_new(&path, "pay", asked()).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn many_starts_at_once_have_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refund.json");
    let start = || {
        let stored = StoredIntention::load_or_new(&path, "pay", asked()).unwrap();
        stored.key().to_owned()
    };
    let keys: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    assert_eq!((keys.len(), names(folder.path()).len()), (1, 1), "{keys:?}");
}

#[test]
fn a_file_of_something_else_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refund.json");
    let refused = |stored: Value| {
        let text = stored.to_string();
        std::fs::write(&path, &text).unwrap();
        let error = StoredIntention::load_or_new(&path, "pay", asked()).unwrap_err();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert!(error.to_string().contains("refund.json`"), "{error}");
        error
    };
    let stored = |tool: &str, amount: Value| json!({ "tool": tool, "key": "k-1", "arguments": { "amount": amount, "order": "o-1" } });
    for (other, told) in [
        (
            stored("merge", json!(100)),
            "its tool is `merge`, and `pay` was asked for",
        ),
        (
            stored("pay", json!(70)),
            "`amount` is 70 in it, and 100 was asked for",
        ),
        (
            json!({ "tool": "pay", "key": "k-1", "arguments": { "amount": 100 } }),
            "`order` is not given in it",
        ),
    ] {
        let error = refused(other);
        assert!(
            matches!(error, StoredIntentionError::Another { .. }),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(text.contains(told) && text.contains("`k-1`"), "{text}");
    }
    for nothing in [
        json!([]),
        json!({ "tool": "pay" }),
        json!({ "tool": "pay", "arguments": {}, "key": "" }),
    ] {
        let error = refused(nothing);
        assert!(
            matches!(error, StoredIntentionError::Unreadable { .. }),
            "{error:?}"
        );
    }
    let missing = folder.path().join("no/such/refund.json");
    let error = StoredIntention::load_or_new(missing, "pay", asked()).unwrap_err();
    assert!(matches!(error, StoredIntentionError::File { .. }));
}

#[tokio::test]
async fn the_file_goes_with_the_last_word_only() {
    // Lost, then, in the next start, success or the news that the key was used.
    for (fate, succeeds) in [(Fate::Ignored, true), (Fate::DiedAfter, false)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("refund.json");
        let wire = Wire::new([fate]);
        let hasty = Retry {
            attempt_timeout: Some(std::time::Duration::from_millis(200)),
            ..once()
        };
        for start in [false, true] {
            let stored = StoredIntention::load_or_new(&path, "keyed", asked()).unwrap();
            assert_eq!(stored.is_resumed(), start);
            let client = wire.connect().await.unwrap();
            let outcome = client.carry_out(&stored, &hasty).await;
            let settled = stored.settle(&outcome).unwrap();
            assert_eq!(settled, start && succeeds, "{outcome:?}");
            assert_eq!(path.exists(), !settled);
        }
        assert_eq!(wire.executions(), 1, "{fate:?}");
    }
}

#[tokio::test]
async fn a_denial_is_the_last_word_of_a_first_start_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refund.json");
    // An earlier start was killed after the first call: whether that ran, the denial does not say.
    let wire = Wire::new([Fate::TooMuch, Fate::TooMuch, Fate::Undecided]);
    let client = wire.connect().await.unwrap();
    let _killed = StoredIntention::load_or_new(&path, "keyed", asked()).unwrap();
    let resumed = StoredIntention::load_or_new(&path, "keyed", asked()).unwrap();
    let denied = client.carry_out(&resumed, &once()).await;
    let error = denied.as_ref().unwrap_err();
    assert!(
        matches!(error, ClientError::Uncertain { last, .. } if matches!(**last, ClientError::Denied(_))),
        "{error:?}"
    );
    assert!(!resumed.settle(&denied).unwrap() && path.exists());
    std::fs::remove_file(&path).unwrap();
    let first = StoredIntention::load_or_new(&path, "keyed", asked()).unwrap();
    let denied = client.carry_out(&first, &once()).await;
    assert!(first.settle(&denied).unwrap() && !path.exists());
    // What may pass later is not settled either.
    let first = StoredIntention::load_or_new(&path, "keyed", asked()).unwrap();
    let undecided = client.carry_out(&first, &once()).await;
    assert!(!first.settle(&undecided).unwrap() && path.exists());
}

/// An earlier start that was killed while its call ran, and the one that finds its file.
async fn killed_and_started_again(
    wire: &Wire,
    tool: &str,
    later: &Retry,
) -> (String, Result<crate::client::ToolReply, ClientError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refund.json");
    let client = wire.connect().await.unwrap();
    let first = StoredIntention::load_or_new(&path, tool, asked()).unwrap();
    // The answer never comes, and with it goes the program.
    let killed = Retry {
        attempt_timeout: Some(std::time::Duration::from_millis(200)),
        ..once()
    };
    drop(client.carry_out(&first, &killed).await);
    let second = StoredIntention::load_or_new(&path, tool, asked()).unwrap();
    let client = wire.connect().await.unwrap();
    let outcome = client.carry_out(&second, later).await;
    assert_eq!(second.settle(&outcome).unwrap(), outcome.is_ok());
    (second.key().to_owned(), outcome)
}

#[tokio::test]
async fn a_later_start_sends_nothing_that_could_execute_twice() {
    for tool in ["plain", "unlisted"] {
        let wire = Wire::new([Fate::DiedAfter]);
        let (key, outcome) = killed_and_started_again(&wire, tool, &Retry::default()).await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(
                &error,
                ClientError::Uncertain { last, earlier_start: true, .. }
                    if matches!(**last, ClientError::NotRepeated { .. })
            ),
            "{tool}: {error:?}"
        );
        assert!(error.may_have_run(), "{error}");
        assert!(error.to_string().contains("an earlier start"), "{error}");
        // What was not sent is nothing to look for.
        let sent = (tool == "plain").then_some(&*key);
        assert_eq!(error.idempotency_key(), sent, "{error}");
        assert_eq!(wire.calls().len(), 1, "{tool}");
    }
    // What changes nothing further is done again.
    let wire = Wire::new([Fate::DiedAfter]);
    let (_, outcome) = killed_and_started_again(&wire, "harmless", &Retry::default()).await;
    assert_eq!((outcome.unwrap().attempts, wire.calls().len()), (1, 2));
}

#[tokio::test]
async fn whatever_a_later_start_ends_in_leaves_open_what_the_earlier_one_did() {
    for fate in [Fate::TooMuch, Fate::Undecided, Fate::Full, Fate::Ignored] {
        let wire = Wire::new([Fate::DiedAfter, fate]);
        let later = Retry {
            attempt_timeout: Some(std::time::Duration::from_millis(200)),
            ..once()
        };
        let (key, outcome) = killed_and_started_again(&wire, "keyed", &later).await;
        let error = outcome.unwrap_err();
        assert!(error.may_have_run(), "{fate:?}: {error:?}");
        assert_eq!(error.idempotency_key(), Some(&*key), "{fate:?}: {error:?}");
        let told = error.to_string();
        assert!(
            told.contains("an earlier start") && told.contains(&key),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_later_start_without_a_server_names_the_key_of_the_earlier_one() {
    let wire = Wire::new([]);
    let client = wire.connect().await.unwrap();
    let intention = Intention::new("keyed", asked()).resumed();
    wire.list(json!("no listing"));
    let error = client.carry_out(&intention, &once()).await.unwrap_err();
    assert!(error.may_have_run(), "{error:?}");
    assert_eq!(error.idempotency_key(), Some(intention.key()));
    assert_eq!(wire.calls().len(), 0);
}
