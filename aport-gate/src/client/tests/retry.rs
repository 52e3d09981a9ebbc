//! Retry on denial: what is adjusted, and what ends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rmcp::model::JsonObject;
use serde_json::json;

use super::wire::{Fate, Wire};
use super::{Till, arguments, connect};
use crate::client::{ClientError, Denial, RetryOnDenial, Sent, Strategy};

fn retry(strategy: Strategy) -> RetryOnDenial {
    RetryOnDenial {
        strategy,
        max_attempts: 8,
        base_delay_ms: 0,
    }
}

#[tokio::test]
async fn halving_keeps_the_idempotency_key_and_stops_when_allowed() {
    let till = Till::default();
    let client = connect(till.clone()).await;
    let halve = Strategy::Halve {
        field: "amount".into(),
    };
    let call = arguments(json!({ "amount": 1601, "idempotency_key": "key-00001" }));
    let reply = client
        .call_with_retry("refund", call, retry(halve))
        .await
        .unwrap();
    assert_eq!(
        (reply.denials.len(), &reply.arguments["amount"]),
        (2, &json!(400))
    );
    let seen = till.seen.lock().unwrap();
    assert!(
        seen.iter()
            .all(|call| call["arguments"]["idempotency_key"] == "key-00001")
    );
}

#[tokio::test]
async fn clamping_takes_the_tightest_limit_and_what_a_cap_has_left() {
    for (spent, allowed) in [(0, 500), (600, 300)] {
        let client = connect(Till {
            spent,
            ..Till::default()
        })
        .await;
        let call = arguments(json!({ "amount": 5000 }));
        let reply = client
            .call_with_retry("refund", call, retry(Strategy::ClampToLimit))
            .await
            .unwrap();
        assert_eq!(
            (reply.denials.len(), &reply.arguments["amount"]),
            (1, &json!(allowed))
        );
    }
}

#[tokio::test]
async fn an_exhausted_cap_ends_clamping_with_the_denial() {
    let till = Till {
        spent: 900,
        ..Till::default()
    };
    let client = connect(till.clone()).await;
    let result = client
        .call_with_retry(
            "refund",
            arguments(json!({ "amount": 50 })),
            retry(Strategy::ClampToLimit),
        )
        .await;
    assert!(matches!(result, Err(ClientError::Denied(_))), "{result:?}");
    assert_eq!(till.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_arguments_cannot_cure_is_not_retried() {
    for tool in ["suspended", "down", "broken", "nonesuch"] {
        let till = Till::default();
        let client = connect(till.clone()).await;
        let halve = Strategy::Halve {
            field: "amount".into(),
        };
        let result = client
            .call_with_retry(tool, arguments(json!({ "amount": 9 })), retry(halve))
            .await;
        let fits = match (tool, &result) {
            ("suspended", Err(ClientError::Denied(_)))
            | ("down", Err(ClientError::Unavailable(_))) => true,
            ("broken", Err(ClientError::Tool { text, decision, .. })) => {
                text == "disk full" && decision.as_ref().is_some_and(|d| d.allow)
            }
            ("nonesuch", Err(ClientError::Protocol { code, .. })) => *code == -32602,
            _ => false,
        };
        assert!(fits, "{tool}: {result:?}");
        assert_eq!(till.calls.load(Ordering::SeqCst), 1, "{tool}");
    }
}

#[tokio::test]
async fn attempts_are_bounded_and_a_custom_strategy_may_give_up() {
    let till = Till::default();
    let client = connect(till.clone()).await;
    let mut twice = retry(Strategy::Halve {
        field: "amount".into(),
    });
    twice.max_attempts = 2;
    let call = arguments(json!({ "amount": 100_000 }));
    let result = client.call_with_retry("refund", call.clone(), twice).await;
    assert!(matches!(result, Err(ClientError::Denied(_))));
    assert_eq!(till.calls.load(Ordering::SeqCst), 2);
    let give_up = Strategy::Custom(Arc::new(|_: &Denial, _: &JsonObject| None));
    let result = client.call_with_retry("refund", call, retry(give_up)).await;
    assert!(matches!(result, Err(ClientError::Denied(_))));
    assert_eq!(till.calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn halving_an_argument_that_is_not_there_is_an_adjustment_error() {
    let client = connect(Till::default()).await;
    let halve = Strategy::Halve {
        field: "sum".into(),
    };
    let call = arguments(json!({ "amount": 600 }));
    let result = client.call_with_retry("refund", call, retry(halve)).await;
    assert!(matches!(result, Err(ClientError::Adjustment { field, .. }) if field == "sum"));
}

#[test]
fn waits_double_from_the_base_and_stay_in_their_upper_half() {
    let retry = RetryOnDenial::new(Strategy::ClampToLimit).terms();
    for (made, full) in [(1, 100), (2, 200), (3, 400), (60, 30_000)] {
        let wait = u64::try_from(retry.delay_before(made).as_millis()).unwrap();
        assert!((full / 2..=full).contains(&wait), "{made}: {wait}");
    }
}

#[tokio::test]
async fn what_an_adjusted_call_sent_is_told_also_where_it_failed() {
    for fate in [Fate::DiedAfter, Fate::Failed, Fate::Full, Fate::Undecided] {
        let wire = Wire::new([Fate::TooMuch, fate]);
        let client = wire.connect().await.unwrap();
        let mut sent = Sent::default();
        let call = arguments(json!({ "amount": 100 }));
        let retry = retry(Strategy::ClampToLimit);
        let outcome = client
            .call_with_retry_noting("keyed", call, retry, &mut sent)
            .await;
        assert!(outcome.is_err(), "{fate:?}");
        let last = sent.arguments.unwrap();
        assert_eq!((&last["amount"], sent.denials.len()), (&json!(99), 1));
        assert!(sent.denials[0].has_code("oap.limit_exceeded"));
    }
}
