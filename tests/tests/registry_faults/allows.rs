//! What does let a tool run, and what is sent for it.

use std::time::Duration;

use aport_gate_tests::in_process::{TESTER, codes, decision, text};
use serde_json::json;

use crate::desk::{PACK, Till, allow, gate};
use crate::server::{Registry, Step, http, json as answer};

#[tokio::test]
async fn an_allow_of_either_shape_runs_the_body_and_is_on_record() {
    let registry = Registry::answering(|seen| match seen.before {
        0 => vec![answer(200, &allow(seen).into())],
        1 => vec![answer(200, &json!({ "decision": allow(seen) }))],
        _ => {
            let mut decision = allow(seen);
            decision.insert("outcome".to_owned(), json!("allow_with_warning"));
            let reasons = json!([{"code": "oap.near_limit", "message": "nine tenths are used"}]);
            decision.insert("reasons".to_owned(), reasons);
            vec![answer(200, &decision.into())]
        }
    })
    .await;
    let till = Till::open(gate(&registry.url())).await;
    for (runs, key) in [(1, "key-0000001"), (2, "key-0000002"), (3, "key-0000003")] {
        let result = till.refund(key).await;
        assert_eq!(result.is_error, Some(false), "{}", text(&result));
        assert_eq!(decision(&result)["allow"], true);
        assert_eq!(till.runs(), runs);
        // A warning is told, to the caller and on record.
        let (outcome, code) = match runs {
            3 => ("allow_with_warning", "oap.near_limit"),
            _ => ("allow", "oap.allowed"),
        };
        assert_eq!(decision(&result)["outcome"], outcome);
        assert_eq!(codes(&result), [code]);
    }
    let records = till.session.records("decision").await;
    assert_eq!(records.len(), 3);
    assert_eq!(records[2]["decision"]["outcome"], "allow_with_warning");
    assert_eq!(records[0]["registry"]["document"]["owner_id"], "org_test");
    assert_eq!(till.session.records("outcome").await.len(), 3);

    let seen = registry.seen();
    let first = &seen[0];
    assert_eq!(
        first.line,
        format!("POST /api/verify/policy/{PACK} HTTP/1.1")
    );
    assert_eq!(first.headers["authorization"], "Bearer key-hunter2");
    assert_eq!(first.headers["idempotency-key"], "key-0000001");
    assert!(first.headers["user-agent"].starts_with("aport-gate/"));
    assert!(!first.headers.contains_key("accept-encoding"));
    assert_eq!(first.body["agent_id"], TESTER);
    assert_eq!(first.body["idempotency_key"], "key-0000001");
    assert_eq!(first.body["context"]["policy_id"], PACK);
    assert_eq!(first.body["context"]["amount"], 5);
    // One connection was enough.
    assert!(seen.iter().all(|seen| seen.connection == 0));
    let ids: Vec<_> = seen
        .iter()
        .map(|seen| &seen.headers["x-aport-request-id"])
        .collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}

#[tokio::test]
async fn a_denial_keeps_its_codes_whatever_its_status() {
    let registry = Registry::answering(|seen| {
        let mut deny = allow(seen);
        deny.insert("allow".to_owned(), json!(false));
        deny.insert("outcome".to_owned(), json!("deny"));
        let reasons = json!([{"code": "oap.limit_exceeded", "message": "too much"}]);
        deny.insert("reasons".to_owned(), reasons);
        let status = [200, 403, 429][seen.before];
        vec![answer(status, &deny.into())]
    })
    .await;
    let till = Till::open(gate(&registry.url())).await;
    for key in ["key-0000001", "key-0000002", "key-0000003"] {
        let result = till.refund(key).await;
        assert_eq!(codes(&result), ["oap.limit_exceeded"]);
        assert!(text(&result).starts_with("Policy denied: too much\nDecision ID: "));
    }
    assert_eq!(till.runs(), 0);
    assert_eq!(till.session.records("decision").await.len(), 3);
}

#[tokio::test]
async fn what_was_no_decision_is_asked_again_under_one_request_id() {
    let registry = Registry::answering(|seen| match seen.before {
        0 => vec![http(503, "", b"{}")],
        1 => vec![http(429, "retry-after: 0\r\n", b"")],
        2 => vec![Step::Reset],
        _ => vec![answer(200, &allow(seen).into())],
    })
    .await;
    let till = Till::open(gate(&registry.url()).timeout(Duration::from_secs(5))).await;
    let result = till.refund("key-0000001").await;
    assert_eq!(result.is_error, Some(false), "{}", text(&result));
    assert_eq!(till.runs(), 1);
    let seen = registry.seen();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|one| one.body == seen[0].body
        && one.headers["x-aport-request-id"] == seen[0].headers["x-aport-request-id"]));
}

#[tokio::test]
async fn a_registry_that_answers_a_repeated_key_as_before_pays_once() {
    for same_id in [true, false] {
        let registry = Registry::answering(move |seen| {
            let mut decision = allow(seen);
            if same_id {
                decision.insert("decision_id".to_owned(), json!("one-for-all"));
            }
            vec![answer(200, &decision.into())]
        })
        .await;
        let till = Till::open(gate(&registry.url())).await;
        assert_eq!(till.refund("key-0000001").await.is_error, Some(false));
        let again = till.refund("key-0000001").await;
        assert_eq!(codes(&again), ["gate.idempotency_key_used"], "{same_id}");
        assert_eq!(till.runs(), 1, "{same_id}: it paid twice");
        // Another intention has a key of its own.
        assert_eq!(till.refund("key-0000002").await.is_error, Some(false));
        assert_eq!(till.runs(), 2, "{same_id}");
        if same_id {
            // In simple mode an id may come again: the call has one of its own, and its record names both.
            let records = till.session.records("decision").await;
            assert_eq!(
                records[1]["registry"]["document"]["decision_id"],
                "one-for-all"
            );
            assert_ne!(records[1]["decision"]["decision_id"], "one-for-all");
        }
    }
}

#[tokio::test]
async fn words_beside_an_allow_that_deny_nothing_do_not_stop_it() {
    let registry = Registry::answering(|seen| {
        let decision = allow(seen);
        let meta = json!({ "decision": decision, "version": 1 });
        let shapes = [
            json!({ "success": true, "error": null, "decision": decision }),
            json!({ "decision": decision, "_meta": meta }),
            json!({ "decision": decision, "_meta": null, "error": "", "message": "fine" }),
        ];
        vec![answer(200, &shapes[seen.before])]
    })
    .await;
    let till = Till::open(gate(&registry.url())).await;
    for key in ["key-0000001", "key-0000002", "key-0000003"] {
        let result = till.refund(key).await;
        assert_eq!(result.is_error, Some(false), "{}", text(&result));
    }
    assert_eq!(till.runs(), 3);
}

#[tokio::test]
async fn a_denial_beside_an_error_stays_a_denial() {
    let registry = Registry::answering(|seen| {
        let mut deny = allow(seen);
        deny.insert("allow".to_owned(), json!(false));
        deny.insert("outcome".to_owned(), json!("deny"));
        let whole = json!({ "success": false, "error": "denied", "decision": deny });
        vec![answer(200, &whole)]
    })
    .await;
    let till = Till::open(gate(&registry.url())).await;
    let result = till.refund("key-0000001").await;
    assert!(
        text(&result).starts_with("Policy denied: "),
        "{}",
        text(&result)
    );
    assert_eq!(till.runs(), 0);
}
