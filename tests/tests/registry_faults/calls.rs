//! What happens between calls: pauses, cancelled callers, reports, kept decisions, restarts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aport_gate::oap::AgentId;
use aport_gate::rmcp::model::CallToolRequestParams;
use aport_gate::{DecisionToken, RegistryClient, RegistryError, Server, policy_gated};
use aport_gate_tests::in_process::{InProcess, TESTER, codes, text};
use serde_json::{Map, Value, json};

use crate::desk::{PACK, Till, allow, arguments, at, gate};
use crate::server::{Registry, Seen, Step, http, json as answer, until};

#[tokio::test]
async fn a_dead_registry_is_left_alone_and_asked_again_later() {
    let registry = Registry::answering(|seen| match seen.before {
        0..20 => vec![http(503, "", b"")],
        _ => vec![answer(200, &allow(seen).into())],
    })
    .await;
    let till = Till::open(gate(&registry.url()).timeout(Duration::from_secs(3))).await;
    for call in 0..5 {
        let result = till.refund(&format!("key-000000{call}")).await;
        assert_eq!(codes(&result), ["gate.registry_unavailable"]);
    }
    let asked = registry.seen().len();
    assert_eq!(asked, 20);
    for call in 0..10 {
        let result = till.refund(&format!("key-000001{call}")).await;
        assert_eq!(codes(&result), ["gate.registry_paused"]);
        assert!(text(&result).contains("since"), "{}", text(&result));
    }
    assert_eq!(registry.seen().len(), asked, "it was left alone");
    assert_eq!(till.runs(), 0);
    until(|| async { till.refund("key-0000099").await.is_error == Some(false) }).await;
    assert_eq!(till.runs(), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_while_the_registry_thinks_runs_nothing() {
    let registry = Registry::answering(|seen| {
        let pause = Duration::from_millis(200);
        vec![Step::Wait(pause), answer(200, &allow(seen).into())]
    })
    .await;
    let till = Till::open(gate(&registry.url()).timeout(Duration::from_secs(5))).await;
    let Value::Object(arguments) = arguments("key-0000001") else {
        unreachable!()
    };
    let request = CallToolRequestParams::new("refund").with_arguments(arguments);
    let call = aport_gate::rmcp::model::ClientRequest::CallToolRequest(
        aport_gate::rmcp::model::Request::new(request),
    );
    let handle = till
        .session
        .client
        .send_cancellable_request(call, Default::default())
        .await
        .unwrap();
    until(|| async { !registry.seen().is_empty() }).await;
    handle.cancel(None).await.unwrap();
    until(|| async { !till.session.records("refusal").await.is_empty() }).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(till.runs(), 0);
    let refusals = till.session.records("refusal").await;
    assert_eq!(refusals[0]["code"], "gate.cancelled");
    assert!(till.session.records("decision").await.is_empty());
}

/// An allow with something to settle.
fn reserving(seen: &Seen) -> Vec<Step> {
    if seen.line.contains("/outcome/") {
        return match seen.before {
            0 => vec![http(503, "", b"")],
            _ => vec![answer(200, &json!({}))],
        };
    }
    let body = Value::Object(allow(seen)).to_string();
    vec![http(
        200,
        "x-aport-outcome-token: token-hunter2\r\n",
        body.as_bytes(),
    )]
}

#[tokio::test]
async fn what_became_of_a_call_is_reported_until_the_registry_knows() {
    let registry = Registry::answering(reserving).await;
    let till = Till::open(gate(&registry.url())).await;
    let paid = till.refund("key-0000001").await;
    assert!(!format!("{paid:?}").contains("hunter2"));
    assert!(
        till.session
            .gate
            .outcomes_reported(Duration::from_secs(10))
            .await
    );
    let reports = registry.seen_at("/api/verify/outcome/");
    assert_eq!(reports.len(), 2, "the first was lost");
    let report = &reports[1];
    let decision = &till.session.records("decision").await[0];
    let id = decision["decision"]["decision_id"].as_str().unwrap();
    assert!(
        report
            .line
            .starts_with(&format!("POST /api/verify/outcome/{id} "))
    );
    assert_eq!(report.headers["x-aport-outcome-token"], "token-hunter2");
    assert_eq!(
        report.body,
        json!({"agent_id": TESTER, "outcome": "ok", "settlement": "commit"})
    );
    assert!(!decision.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_registry_that_answers_no_report_is_asked_by_few_at_once_and_calls_go_on() {
    let registry = Registry::answering(|seen| match seen.line.contains("/outcome/") {
        true => vec![Step::Hang],
        false => reserving(seen),
    })
    .await;
    // Longer than this test: each report keeps its connection.
    let till = Till::open(gate(&registry.url()).timeout(Duration::from_secs(60))).await;
    for call in 0..48 {
        let paid = till.refund(&format!("key-00000{call:02}")).await;
        assert_eq!(paid.is_error, Some(false), "{call}: {}", text(&paid));
    }
    until(|| async { registry.seen_at("/outcome/").len() >= 32 }).await;
    let gate = &till.session.gate;
    assert!(!gate.outcomes_reported(Duration::from_millis(300)).await);
    assert_eq!(registry.seen_at("/outcome/").len(), 32);
}

#[tokio::test]
async fn a_call_that_never_ran_gives_back_what_the_registry_reserved() {
    let registry = Registry::answering(|seen| {
        if seen.line.contains("/outcome/") {
            return vec![answer(200, &json!({}))];
        }
        let mut decision = allow(seen);
        decision.insert("created_at".to_owned(), json!("2020-01-01T00:00:00Z"));
        let body = Value::Object(decision).to_string();
        vec![http(200, "x-aport-outcome-token: t\r\n", body.as_bytes())]
    })
    .await;
    let till = Till::open(gate(&registry.url())).await;
    let result = till.refund("key-0000001").await;
    till.assert_refused(&result, "gate.decision_expired", "reserved, but expired")
        .await;
    assert!(
        till.session
            .gate
            .outcomes_reported(Duration::from_secs(10))
            .await
    );
    let reports = registry.seen_at("/outcome/");
    assert_eq!(
        reports[0].body,
        json!({"agent_id": TESTER, "outcome": "abandoned", "settlement": "release"})
    );
}

pub(crate) const NOTE_PACK: &str = r#"{
    "id": "acme.note.write.v1", "name": "Notes", "version": "1.0.0", "status": "active",
    "requires_capabilities": ["acme.note.write"], "min_assurance": "L0",
    "required_context": {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]},
    "evaluation_rules": []
}"#;

/// Write a note.
#[policy_gated(pack = "acme.note.write.v1", unchecked)]
pub(crate) async fn write_note(#[service] runs: &Arc<AtomicU32>, note: String) -> String {
    runs.fetch_add(1, Ordering::SeqCst);
    note
}

async fn note_calls(cache: bool) -> (usize, u32, Vec<Value>) {
    let registry = Registry::answering(|seen| vec![answer(200, &allow(seen).into())]).await;
    let home = tempfile::tempdir().unwrap();
    let mut builder = gate(&registry.url()).home(home.path()).pack(NOTE_PACK);
    if cache {
        builder = builder.cache(Duration::from_secs(30));
    }
    let gate = builder.build().await.unwrap();
    let runs = Arc::new(AtomicU32::new(0));
    let server = Server::new(gate.clone(), Arc::clone(&runs)).with_route(write_note);
    let session = InProcess::serve(server, gate, home).await;
    for note in ["a", "a", "b", "a"] {
        let result = session.call("write_note", json!({"note": note})).await;
        assert_eq!(result.is_error, Some(false), "{}", text(&result));
    }
    let records = session.records("decision").await;
    (registry.seen().len(), runs.load(Ordering::SeqCst), records)
}

#[tokio::test]
async fn only_an_operator_who_asks_for_it_has_decisions_kept() {
    assert_eq!(note_calls(false).await.0, 4);
    let (asked, runs, records) = note_calls(true).await;
    assert_eq!((asked, runs), (2, 4));
    // Each call is on record, under an id of its own.
    assert_eq!(records.len(), 4);
    assert_eq!(
        records[1]["registry"]["cached"],
        records[0]["decision"]["decision_id"]
    );
    assert_ne!(
        records[1]["decision"]["decision_id"],
        records[0]["decision"]["decision_id"]
    );
}

#[tokio::test]
async fn a_decision_is_kept_until_the_first_end_that_it_names() {
    for (length, end) in [(0, 3600), (3600, 0)] {
        let registry = Registry::answering(move |seen| {
            let mut decision = allow(seen);
            let digest = aport_gate::oap::digest_json(&seen.body["context"]).unwrap();
            let made = decision["created_at"].clone();
            for (field, value) in [
                ("context_digest", json!(digest)),
                ("issued_at", made),
                ("expires_in", json!(length)),
                ("expires_at", json!(at(end))),
            ] {
                decision.insert(field.to_owned(), value);
            }
            vec![answer(200, &decision.into())]
        })
        .await;
        let home = tempfile::tempdir().unwrap();
        let builder = gate(&registry.url()).home(home.path()).pack(NOTE_PACK);
        let gate = builder
            .cache(Duration::from_secs(30))
            .build()
            .await
            .unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        let server = Server::new(gate.clone(), Arc::clone(&runs)).with_route(write_note);
        let session = InProcess::serve(server, gate, home).await;
        for _ in 0..3 {
            let result = session.call("write_note", json!({"note": "a"})).await;
            assert_eq!(result.is_error, Some(false), "{}", text(&result));
        }
        assert_eq!(
            registry.seen().len(),
            3,
            "{length} s, until {end} s from now"
        );
    }
}

#[tokio::test]
async fn a_pack_that_counts_or_pays_once_is_asked_about_each_time() {
    let registry = Registry::answering(|seen| vec![answer(200, &allow(seen).into())]).await;
    let till = Till::open(gate(&registry.url()).cache(Duration::from_secs(30))).await;
    till.refund("key-0000001").await;
    till.refund("key-0000001").await;
    assert_eq!(registry.seen().len(), 2);
}

#[tokio::test]
async fn a_registry_that_dies_under_load_lets_nothing_run_unasked() {
    let allowed = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&allowed);
    let registry = Registry::answering(move |seen| match seen.before % 7 {
        3 => vec![Step::Reset],
        5 => vec![http(500, "", b"{}")],
        _ => {
            count.fetch_add(1, Ordering::SeqCst);
            vec![answer(200, &allow(seen).into())]
        }
    })
    .await;
    let till = Arc::new(Till::open(gate(&registry.url()).timeout(Duration::from_secs(5))).await);
    let mut calls = tokio::task::JoinSet::new();
    for call in 0..60 {
        let till = Arc::clone(&till);
        calls.spawn(async move {
            let result = till.refund(&format!("key-{call:08}")).await;
            result.is_error == Some(false)
        });
        if call == 30 {
            // What was answered so far stays answered; the rest meets a dead registry.
            until(|| async { till_runs_some(&allowed) }).await;
        }
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(registry);
    let mut succeeded = 0;
    while let Some(ended) = calls.join_next().await {
        succeeded += u32::from(ended.unwrap());
    }
    assert_eq!(
        till.runs(),
        succeeded,
        "every run was answered, and nothing else ran"
    );
    assert!(
        till.runs() <= allowed.load(Ordering::SeqCst),
        "a body ran unasked"
    );
    assert!(succeeded > 0);
    let decisions = till.session.records("decision").await;
    assert_eq!(decisions.len(), usize::try_from(succeeded).unwrap());
}

fn till_runs_some(allowed: &AtomicU32) -> bool {
    allowed.load(Ordering::SeqCst) > 5
}

#[tokio::test]
async fn tokens_and_views_come_from_the_same_registry() {
    let registry = Registry::answering(|seen| {
        if seen.line.contains("verify_view") {
            return vec![answer(
                200,
                &json!({"agent_id": TESTER, "status": "active"}),
            )];
        }
        if seen.line.contains("/validate") {
            let mut seen = seen.clone();
            seen.body = json!({"agent_id": TESTER, "context": {"policy_id": PACK}});
            let decision = allow(&seen);
            // The last one is a token that the registry does not stand by.
            let valid = seen.before < 2;
            return vec![answer(
                200,
                &json!({ "valid": valid, "decision": decision }),
            )];
        }
        // As a registry of ours has it, of a denial too.
        let allow = seen.before == 0;
        let token = json!({"token": "token-hunter2", "allow": allow});
        vec![answer(200, &token)]
    })
    .await;
    let client = RegistryClient::builder(registry.url())
        .api_key("key-hunter2")
        .build()
        .unwrap();
    let agent = AgentId::parse(TESTER).unwrap();
    assert_eq!(
        client.verify_view(&agent).await.unwrap()["status"],
        "active"
    );
    let pack = aport_gate::oap::PackId::parse(PACK).unwrap();
    let token = client
        .decision_token(&pack, &agent, &Map::new())
        .await
        .unwrap();
    assert!(!format!("{token:?} {client:?}").contains("hunter2"));
    let token = DecisionToken::new(token.as_str());
    let decision = client
        .validate_token(&token, &pack, &agent, &Map::new())
        .await
        .unwrap();
    assert!(decision.allow);
    let other = AgentId::parse("ap_other").unwrap();
    let refused = client
        .validate_token(&token, &pack, &other, &Map::new())
        .await;
    assert!(
        matches!(refused, Err(RegistryError::WrongAgent { .. })),
        "{refused:?}"
    );
    let refused = client
        .validate_token(&token, &pack, &agent, &Map::new())
        .await;
    assert!(
        matches!(refused, Err(RegistryError::Decision(_))),
        "{refused:?}"
    );
    let denied = client.decision_token(&pack, &agent, &Map::new()).await;
    assert!(
        matches!(denied, Err(RegistryError::Decision(_))),
        "{denied:?}"
    );
    let lines: Vec<_> = registry.seen().into_iter().map(|seen| seen.line).collect();
    assert!(
        lines[1].starts_with(&format!("POST /api/verify/token/{PACK} ")),
        "{lines:?}"
    );
}
