//! Nothing executes twice, whatever the network and the server do.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::arguments;
use super::wire::{Fate, Wire, fates_of, spread};
use crate::client::{ClientError, Intention, Retry, Strategy};

const SEEDS: u64 = 150;

fn persistent() -> Retry {
    Retry {
        strategy: Some(Strategy::ClampToLimit),
        max_attempts: 6,
        base_delay: Duration::from_millis(1),
        attempt_timeout: Some(Duration::from_millis(300)),
        ..Retry::default()
    }
}

fn intend(tool: &str) -> Intention {
    Intention::new(tool, arguments(json!({ "amount": 100 })))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_executes_twice_under_any_fate() {
    assert!(
        spread(SEEDS).values().all(|count| *count > 20),
        "{:?}",
        spread(SEEDS)
    );
    for tool in ["plain", "keyed", "harmless"] {
        let runs = (0..SEEDS).map(|seed| async move {
            let wire = Wire::new(fates_of(seed));
            let client = wire.connect().await.unwrap();
            let outcome = client.carry_out(&intend(tool), &persistent()).await;
            (seed, outcome, wire)
        });
        let mut allowed = 0;
        for (seed, outcome, wire) in join_all(runs).await {
            let executions = wire.executions();
            let fates = fates_of(seed);
            if tool != "harmless" {
                assert!(executions <= 1, "{tool} {fates:?}: {executions} executions");
            }
            match &outcome {
                Ok(_) => {
                    allowed += 1;
                    assert!(executions >= 1, "{tool} {fates:?}");
                }
                Err(error) if !error.may_have_run() => {
                    assert_eq!(executions, 0, "{tool} {fates:?}: {error}");
                }
                Err(_) => {}
            }
        }
        assert!(allowed > 0, "{tool}: {allowed} of {SEEDS}");
    }
}

#[tokio::test]
async fn a_lost_answer_ends_a_call_that_could_execute_twice() {
    for fate in [Fate::DiedBefore, Fate::DiedAfter, Fate::Lost, Fate::Ignored] {
        let wire = Wire::new([fate]);
        let client = wire.connect().await.unwrap();
        let outcome = client.carry_out(&intend("plain"), &persistent()).await;
        assert!(
            matches!(outcome, Err(ClientError::Transport { .. })),
            "{fate:?}: {outcome:?}"
        );
        assert_eq!(wire.calls().len(), 1, "{fate:?}");
    }
}

#[tokio::test]
async fn a_keyed_call_that_did_not_run_is_sent_again_with_its_key() {
    let wire = Wire::new([Fate::DiedBefore, Fate::Ignored]);
    let client = wire.connect().await.unwrap();
    let intention = intend("keyed");
    let reply = client.carry_out(&intention, &persistent()).await.unwrap();
    assert_eq!((reply.attempts, wire.executions()), (3, 1));
    let keys = wire.calls();
    assert!(
        keys.iter()
            .all(|call| call["arguments"]["idempotency_key"] == intention.key()),
        "{keys:?}"
    );
    assert_eq!(wire.books.lock().unwrap().connections, 2);
}

#[tokio::test]
async fn a_keyed_call_that_did_run_ends_uncertain_and_says_that_its_key_was_used() {
    for fate in [Fate::DiedAfter, Fate::Lost] {
        let wire = Wire::new([fate]);
        let client = wire.connect().await.unwrap();
        let error = client
            .carry_out(&intend("keyed"), &persistent())
            .await
            .unwrap_err();
        assert!(
            matches!(error, ClientError::Uncertain { .. }),
            "{fate:?}: {error:?}"
        );
        assert!(error.may_have_run() && error.denial().unwrap().key_was_used());
        assert_eq!(wire.executions(), 1);
    }
}

#[tokio::test]
async fn a_key_that_was_used_before_never_counts_as_nothing_done() {
    let wire = Wire::new([]);
    let client = wire.connect().await.unwrap();
    let intention = intend("keyed");
    client.carry_out(&intention, &persistent()).await.unwrap();
    // Another process that goes on with the same intention, or the same request delivered twice.
    let other = wire.connect().await.unwrap();
    let error = other.carry_out(&intention, &persistent()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, ClientError::Uncertain { .. }), "{error:?}");
    assert!(error.may_have_run() && error.denial().unwrap().key_was_used());
    assert!(error.to_string().contains("was used already"), "{error}");
    // The caller's own key in a plain call.
    let keyed = json!({ "amount": 100, "idempotency_key": intention.key() });
    let error = client.call("keyed", arguments(keyed)).await.unwrap_err();
    assert!(matches!(error, ClientError::Denied(_)), "{error:?}");
    assert!(error.may_have_run());
    assert_eq!((wire.calls().len(), wire.executions()), (3, 1));
}

#[tokio::test]
async fn annotations_count_only_where_they_are_trusted() {
    let wire = Wire::new([Fate::DiedBefore]);
    let start = {
        let wire = wire.clone();
        move || std::future::ready(Ok::<_, String>(wire.start()))
    };
    let client = crate::PassportClient::builder(super::AGENT)
        .trust_annotations(false)
        .connect_with(start)
        .await
        .unwrap();
    let outcome = client.carry_out(&intend("harmless"), &persistent()).await;
    assert!(
        matches!(outcome, Err(ClientError::Transport { .. })),
        "{outcome:?}"
    );
    assert_eq!(wire.calls().len(), 1);
}

#[tokio::test]
async fn a_listing_that_changed_its_mind_ends_the_repetition() {
    let wire = Wire::new([Fate::DiedAfter]);
    let client = wire.connect().await.unwrap();
    client.list_tools().await.unwrap();
    let mut tools = super::wire::tools();
    tools[2]["annotations"] = json!({ "idempotentHint": false });
    wire.list(tools);
    let error = client
        .carry_out(&intend("harmless"), &persistent())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Uncertain { .. }), "{error:?}");
    assert_eq!((wire.executions(), wire.calls().len()), (1, 1));
}

#[tokio::test]
async fn an_adjusted_call_follows_a_lost_one_only_where_a_key_keeps_both_from_running() {
    for (tool, calls) in [("harmless", 2), ("keyed", 3)] {
        let wire = Wire::new([Fate::Ignored, Fate::TooMuch]);
        let client = wire.connect().await.unwrap();
        let outcome = client.carry_out(&intend(tool), &persistent()).await;
        assert_eq!(outcome.is_ok(), tool == "keyed", "{outcome:?}");
        assert_eq!(wire.calls().len(), calls, "{tool}");
    }
}

#[tokio::test]
async fn the_deadline_ends_everything_and_says_whether_it_may_have_run() {
    let slow = Retry {
        base_delay: Duration::from_secs(10),
        deadline: Some(Duration::from_millis(200)),
        ..persistent()
    };
    for (fate, may_have_run) in [(Fate::Undecided, false), (Fate::Lost, true)] {
        let wire = Wire::new([fate; 20]);
        let client = wire.connect().await.unwrap();
        let error = client.carry_out(&intend("keyed"), &slow).await.unwrap_err();
        assert!(matches!(error, ClientError::Deadline { .. }), "{error:?}");
        assert_eq!(error.may_have_run(), may_have_run, "{error}");
        assert_eq!(wire.calls().len(), 1);
    }
}

#[tokio::test]
async fn a_storm_of_failures_is_bounded_by_the_attempts() {
    let wire = Wire::new([Fate::Undecided; 100]);
    let client = wire.connect().await.unwrap();
    let error = client
        .carry_out(&intend("plain"), &persistent())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Unavailable(_)), "{error:?}");
    assert_eq!((wire.calls().len(), wire.executions()), (6, 0));
}

#[tokio::test]
async fn a_day_that_is_full_is_not_waited_for() {
    let wire = Wire::new([Fate::Full; 9]);
    let client = wire.connect().await.unwrap();
    let hasty = Retry {
        deadline: Some(Duration::from_secs(1)),
        ..persistent()
    };
    let error = client
        .carry_out(&intend("plain"), &hasty)
        .await
        .unwrap_err();
    let denial = error.denial().unwrap();
    assert!(matches!(error, ClientError::Denied(_)), "{error:?}");
    assert!(denial.retry_after().is_some() && wire.calls().len() == 1);
}
