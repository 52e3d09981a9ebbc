//! What becomes of a cap when the body has ended, one way or another.

use std::time::Duration;

use aport_gate::rmcp;
use aport_gate::rmcp::model::CallToolRequestParams;
use aport_gate::testing::{Answer, CallOutcome, assert_allowed};
use serde_json::{Value, json};

use crate::desk::{Till, refund_arguments};

fn outcome(answer: &Answer) -> Value {
    let meta = answer.result().meta.as_ref().unwrap();
    meta.0["io.aport/outcome"].clone()
}

#[tokio::test]
async fn the_daily_cap_counts_what_ran_and_frees_what_did_not() {
    let session = Till::open(true).await;
    // Nothing executed: given back. Unclear: held. The answer says which.
    for (fate, state) in [("closed", "released"), ("unclear", "held")] {
        let answer = session.refund(5000, Some(fate)).await;
        assert_eq!(answer.result().is_error, Some(true));
        assert_eq!(
            outcome(&answer),
            json!({ "outcome": "error", "reservation": state })
        );
    }
    assert_allowed!(session.refund(5000, None).await);
    let over = session.refund(1, None).await;
    assert_eq!(over.codes(), ["oap.limit_exceeded"]);
    assert_eq!(session.runs(), 3);
}

#[tokio::test]
async fn a_panicking_body_is_answered_and_held() {
    let session = Till::open(true).await;
    let result = session.refund(5000, Some("panic")).await;
    assert_eq!(
        outcome(&result),
        json!({ "outcome": "panicked", "reservation": "held" })
    );
    assert_eq!(result.result().is_error, Some(true));
    assert!(result.text().contains("Decision ID: "));
    assert!(!result.text().contains("fell over"));
    assert_allowed!(session.refund(5000, None).await);
    assert_eq!(
        session.refund(1, None).await.codes(),
        ["oap.limit_exceeded"]
    );
}

#[tokio::test]
async fn a_cancelled_body_is_dropped_and_held() {
    let session = Till::open(true).await;
    let Value::Object(arguments) = refund_arguments(5000, "key-hanging", Some("hang")) else {
        unreachable!()
    };
    let request = CallToolRequestParams::new("refund").with_arguments(arguments);
    let handle = session
        .session
        .client()
        .send_cancellable_request(
            rmcp::model::ClientRequest::CallToolRequest(rmcp::model::CallToolRequest::new(request)),
            rmcp::service::PeerRequestOptions::no_options(),
        )
        .await
        .unwrap();
    wait_until(|| session.runs() == 1).await;
    handle.cancel(Some("enough".to_owned())).await.unwrap();
    for _ in 0..200 {
        if !session.outcomes().await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(session.outcomes().await, [CallOutcome::Abandoned]);
    assert_allowed!(session.refund(5000, None).await);
    assert_eq!(
        session.refund(1, None).await.codes(),
        ["oap.limit_exceeded"]
    );
}

#[tokio::test]
async fn an_idempotency_key_pays_once() {
    let session = Till::open(true).await;
    let arguments = refund_arguments(100, "the-same-key", None);
    assert_allowed!(session.call("refund", arguments.clone()).await);
    let again = session.call("refund", arguments).await;
    assert_eq!(again.codes(), ["oap.idempotency_conflict"]);
    assert_eq!(session.runs(), 1);
}

async fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within five seconds");
}
