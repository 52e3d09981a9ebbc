//! Who may do what: the decision of one call.

use aport_gate::testing::assert_allowed;
use serde_json::json;

use crate::desk::{AGENT, Till, passport, refund_arguments};

#[tokio::test]
async fn an_allowed_refund_runs_and_carries_its_decision() {
    let session = Till::open(true).await;
    let result = session.refund(5000, None).await;
    assert_allowed!(&result);
    assert_eq!(
        result.structured(),
        Some(&json!({"amount": 5000, "agent": AGENT}))
    );
    assert_eq!(result.decision()["allow"], json!(true));
    assert_eq!(result.decision()["agent_id"], json!(AGENT));
    assert_eq!(session.runs(), 1);
    assert_eq!(session.outcomes().await.len(), 1);
}

#[tokio::test]
async fn a_denied_refund_does_not_run_and_says_the_limit() {
    let session = Till::open(true).await;
    let result = session.refund(5001, None).await;
    assert_eq!(result.result().is_error, Some(true));
    assert!(
        result.text().starts_with("Policy denied: "),
        "{}",
        result.text()
    );
    assert!(result.text().contains("\nDecision ID: "));
    assert!(result.structured().is_none());
    let details = &result.decision()["reasons"][0]["details"];
    assert_eq!(
        (&details["field"], &details["actual"], &details["limit"]),
        (&json!("amount"), &json!(5001), &json!(5000))
    );
    assert_eq!(session.runs(), 0);
    assert!(session.outcomes().await.is_empty());
}

#[tokio::test]
async fn a_suspension_counts_from_the_next_call() {
    let session = Till::open(true).await;
    assert_allowed!(session.refund(1, None).await);
    let mut suspended = passport();
    suspended["status"] = json!("suspended");
    session.set_passport(suspended);
    assert_eq!(
        session.refund(1, None).await.codes(),
        ["oap.passport_suspended"]
    );
    session.gate.remove_passport(AGENT);
    assert_eq!(
        session.refund(1, None).await.codes(),
        ["oap.passport_not_found"]
    );
}

#[tokio::test]
async fn an_unbound_gate_needs_the_agent_and_a_bound_one_refuses_another() {
    let unbound = Till::open(false).await;
    assert_eq!(
        unbound.refund(1, None).await.codes(),
        ["gate.agent_id_missing"]
    );
    let mut arguments = refund_arguments(1, "key-named-1", None);
    arguments["agent_id"] = json!(AGENT);
    assert_allowed!(unbound.call("refund", arguments.clone()).await);

    let bound = Till::open(true).await;
    arguments["agent_id"] = json!("ap_somebody_else");
    assert_eq!(
        bound.call("refund", arguments).await.codes(),
        ["gate.agent_id_conflict"]
    );
    assert_eq!(bound.runs(), 0);
}
