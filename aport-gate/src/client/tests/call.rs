//! One call: listing, identity, denial, transport.

use rmcp::ServiceExt as _;
use rmcp::model::JsonObject;
use serde_json::json;

use super::{AGENT, Till, arguments, connect};
use crate::client::{ClientError, PassportClient, agent};

#[tokio::test]
async fn listing_names_the_pack_and_ungated_tools_have_none() {
    let client = connect(Till::default()).await;
    let tools = client.list_tools().await.unwrap();
    let packs: Vec<_> = tools
        .iter()
        .map(|t| (t.name.as_str(), t.policy.as_ref().map(|p| p.pack.as_str())))
        .collect();
    assert_eq!(
        packs,
        [
            ("plain", None),
            ("refund", Some("finance.payment.refund.v1"))
        ]
    );
}

#[tokio::test]
async fn agent_id_is_an_argument_only_where_the_schema_requires_it() {
    let till = Till::default();
    let client = connect(till.clone()).await;
    client.call("plain", JsonObject::new()).await.unwrap();
    let reply = client
        .call("refund", arguments(json!({ "amount": 5 })))
        .await
        .unwrap();
    assert_eq!(
        reply.decision.unwrap().decision_id.as_deref(),
        Some("dec-1")
    );
    let seen = till.seen.lock().unwrap().clone();
    assert_eq!(
        seen,
        [
            json!({ "meta": AGENT, "arguments": {} }),
            json!({ "meta": AGENT, "arguments": { "amount": 5, "agent_id": AGENT } }),
        ]
    );
}

#[tokio::test]
async fn denial_carries_decision_and_exceeded_limit() {
    let client = connect(Till::default()).await;
    let result = client
        .call("refund", arguments(json!({ "amount": 600 })))
        .await;
    let Err(ClientError::Denied(denial)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(denial.decision_id.as_deref(), Some("dec-1"));
    let details = denial.reasons[1].details.as_ref().unwrap();
    assert_eq!(
        (&details.actual, &details.limit),
        (&json!(600), &json!(500))
    );
}

#[tokio::test]
async fn a_lost_connection_is_neither_a_denial_nor_a_result() {
    let (client, server) = tokio::io::duplex(1 << 16);
    let running = tokio::spawn(async move { Till::default().serve(server).await.unwrap() });
    let client = PassportClient::new(().serve(client).await.unwrap(), AGENT).unwrap();
    client.list_tools().await.unwrap();
    running.await.unwrap().cancel().await.unwrap();
    let result = client.call("plain", JsonObject::new()).await;
    assert!(
        matches!(
            result,
            Err(ClientError::Transport { .. } | ClientError::Connect(_))
        ),
        "{result:?}"
    );
}

#[test]
fn agent_ids_are_checked_before_anything_is_sent() {
    for good in ["ap_a", "ap_A_9", "550e8400-e29b-41d4-a716-446655440000"] {
        assert!(agent::check(good).is_ok(), "{good}");
    }
    let long = format!("ap_{}", "a".repeat(129));
    for bad in [
        "",
        "ap_",
        "ap_a-b",
        "${AGENT}",
        "550e8400e29b41d4a716446655440000",
        &long,
    ] {
        assert!(agent::check(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_call_waits_as_long_as_an_attempt_of_an_intention() {
    let client = connect(Till::default()).await;
    let attempt = crate::client::Retry::default().attempt_timeout;
    assert_eq!(client.timeout, attempt);
    assert_eq!(attempt, Some(std::time::Duration::from_secs(30)));
}
