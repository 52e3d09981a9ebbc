//! Where nobody knows whether a call ran, the error says what to look for.

use std::time::Duration;

use serde_json::json;

use super::arguments;
use super::wire::{Fate, Wire};
use crate::client::{CallVerdict, ClientError, Intention, Retry};

fn hasty(max_attempts: u32) -> Retry {
    Retry {
        max_attempts,
        base_delay: Duration::from_millis(1),
        attempt_timeout: Some(Duration::from_millis(200)),
        ..Retry::default()
    }
}

#[tokio::test]
async fn an_uncertain_call_names_its_key_and_the_decision_that_is_known() {
    for (fates, attempts, decision) in [
        (vec![Fate::DiedAfter], 1, None),
        (vec![Fate::Lost], 1, None),
        (vec![Fate::Failed], 1, None),
        // The key was used: the second attempt is denied.
        (vec![Fate::DiedAfter], 2, Some("dec-0")),
        (vec![Fate::Ignored, Fate::Undecided], 2, Some("dec-0")),
    ] {
        let wire = Wire::new(fates.clone());
        let client = wire.connect().await.unwrap();
        let intention =
            Intention::with_key("keyed", arguments(json!({ "amount": 1 })), "order-7/1");
        let error = client.carry_out(&intention, &hasty(attempts)).await;
        let error = error.unwrap_err();
        assert!(error.may_have_run(), "{fates:?}: {error}");
        assert_eq!(error.idempotency_key(), Some("order-7/1"), "{error:?}");
        assert_eq!(error.decision_id(), decision, "{error:?}");
        let told = error.to_string();
        assert_eq!(told.matches("`order-7/1`").count(), 1, "{told}");
        assert!(decision.is_none_or(|id| told.contains(id)), "{told}");
    }
}

#[tokio::test]
async fn a_key_of_the_callers_own_that_was_used_is_named() {
    let wire = Wire::new([]);
    let client = wire.connect().await.unwrap();
    let keyed = arguments(json!({ "amount": 1, "idempotency_key": "k-1" }));
    let reply = client.call("keyed", keyed.clone()).await.unwrap();
    assert_eq!(reply.idempotency_key.as_deref(), Some("k-1"));
    let error = client.call("keyed", keyed).await.unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("an earlier call with idempotency key `k-1` was allowed, and may have run"),
        "{told}"
    );
    assert_eq!(error.idempotency_key(), Some("k-1"));
}

#[tokio::test]
async fn a_key_that_was_not_sent_is_not_named() {
    let wire = Wire::new([Fate::DiedAfter]);
    wire.list(json!([{ "name": "plain", "inputSchema": { "type": "object", "properties": {} } }]));
    let client = wire.connect().await.unwrap();
    let intention = Intention::with_key("plain", arguments(json!({ "amount": 1 })), "k-1");
    let error = client.carry_out(&intention, &hasty(1)).await.unwrap_err();
    assert!(
        error.may_have_run() && !error.to_string().contains("k-1"),
        "{error}"
    );
    assert_eq!(error.idempotency_key(), None);
}

#[tokio::test]
async fn a_failure_in_the_server_is_not_told_as_a_refusal() {
    let wire = Wire::new([Fate::Failed]);
    let client = wire.connect().await.unwrap();
    let arguments = arguments(json!({ "amount": 1 }));
    let error = client.call("plain", arguments).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Protocol { .. }) && error.may_have_run(),
        "{error:?}"
    );
    let told = error.to_string();
    assert!(
        told.contains("unknown whether it ran") && !told.contains("refused"),
        "{told}"
    );
    assert_eq!(client.decisions()[0].verdict, CallVerdict::Unknown);
}
