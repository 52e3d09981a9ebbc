//! Whose decision it is that comes with a result.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::wire::Wire;
use super::{AGENT, arguments};
use crate::client::{CallVerdict, ClientError, DecisionMatch, PassportClient};

fn decision(agent: &str, pack: &str) -> Value {
    json!({ "allow": true, "decision_id": "dec-1", "agent_id": agent, "policy_id": pack, "reasons": [] })
}

#[tokio::test]
async fn a_success_says_whether_its_decision_is_about_this_call() {
    for (tool, sent, matched, verdict) in [
        (
            "keyed",
            decision(AGENT, "a.b.v1"),
            DecisionMatch::Matches,
            CallVerdict::Allowed,
        ),
        (
            "keyed",
            decision("ap_other", "a.b.v1"),
            DecisionMatch::Foreign,
            CallVerdict::Unmatched,
        ),
        (
            "keyed",
            decision(AGENT, "other.pack.v1"),
            DecisionMatch::Foreign,
            CallVerdict::Unmatched,
        ),
        (
            "keyed",
            json!({ "allow": true }),
            DecisionMatch::Missing,
            CallVerdict::Unmatched,
        ),
        (
            "keyed",
            Value::Null,
            DecisionMatch::Missing,
            CallVerdict::Unmatched,
        ),
        (
            "keyed",
            json!("allow"),
            DecisionMatch::Missing,
            CallVerdict::Unmatched,
        ),
        (
            "plain",
            Value::Null,
            DecisionMatch::Ungated,
            CallVerdict::Ungated,
        ),
        (
            "plain",
            decision(AGENT, "a.b.v1"),
            DecisionMatch::Matches,
            CallVerdict::Allowed,
        ),
        (
            "plain",
            decision("ap_other", "a.b.v1"),
            DecisionMatch::Foreign,
            CallVerdict::Unmatched,
        ),
    ] {
        let wire = Wire::new([]);
        wire.decide(sent.clone());
        let heard: Arc<Mutex<Vec<_>>> = Arc::default();
        let (start, hearing) = (wire.clone(), Arc::clone(&heard));
        let client = PassportClient::builder(AGENT)
            .on_decision(move |entry| hearing.lock().unwrap().push(entry.clone()))
            .connect_with(move || std::future::ready(Ok::<_, String>(start.start())))
            .await
            .unwrap();
        let keyed = arguments(json!({ "amount": 1, "idempotency_key": "k-1" }));
        let reply = client.call(tool, keyed).await.unwrap();
        assert_eq!(reply.decision_match, matched, "{tool} {sent}");
        assert_eq!(
            matched.is_doubtful(),
            verdict == CallVerdict::Unmatched,
            "{sent}"
        );
        let heard = heard.lock().unwrap();
        assert_eq!(
            (heard[0].verdict, heard[0].decision_match),
            (verdict, Some(matched)),
            "{tool} {sent}"
        );
    }
}

#[test]
fn one_uuid_in_two_ways_is_one_agent() {
    let id = "550e8400-e29b-41d4-a716-446655440000";
    let found = serde_json::from_value(decision(&id.to_uppercase(), "p")).unwrap();
    let matched = DecisionMatch::of(Some(&found), Some("p"), id);
    assert_eq!(matched, DecisionMatch::Matches);
}

#[tokio::test]
async fn a_result_beside_a_denial_may_have_run_and_is_no_plain_denial() {
    let wire = Wire::new([]);
    let mut denies = decision(AGENT, "a.b.v1");
    denies["allow"] = json!(false);
    wire.decide(denies);
    let client = wire.connect().await.unwrap();
    let keyed = arguments(json!({ "amount": 1, "idempotency_key": "k-1" }));
    let error = client.call("keyed", keyed).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Contradictory { text, .. } if text == "done"),
        "{error:?}"
    );
    assert!(error.may_have_run());
    let told = error.to_string();
    assert!(told.contains("`dec-1`") && told.contains("`k-1`"), "{told}");
    let entry = &client.decisions()[0];
    assert_eq!(entry.verdict, CallVerdict::Unknown);
    assert_eq!(entry.decision_id.as_deref(), Some("dec-1"));
}
