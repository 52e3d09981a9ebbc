//! A registry that answers in good form, and means harm.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aport_gate::oap::digest_json;
use aport_gate::{DecisionSigner, Gate, GateBuilder, Security, Server};
use aport_gate_tests::in_process::{InProcess, codes, text};
use serde_json::{Map, Value, json};

use crate::desk::{
    Desk, PASSPORT_DIGEST, Till, allow, arguments, gate, jwks, refund, signed, with_keys,
};
use crate::server::{Registry, Seen, Step, http, json as answer};

#[tokio::test]
async fn no_time_to_come_back_stops_the_gate() {
    for told in [
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775807",
        "-1",
        "1e9",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "",
        "\u{fe}",
    ] {
        for status in [429, 503] {
            let header = format!("retry-after: {told}\r\n");
            let registry = Registry::answering(move |_| vec![http(status, &header, b"")]).await;
            let patience = Duration::from_secs(2);
            let till = Till::open(gate(&registry.url()).timeout(patience)).await;
            let result = till.refund("key-0000001").await;
            let row = format!("{status}, {told}");
            till.assert_refused(&result, "gate.registry_unavailable", &row)
                .await;
        }
    }
}

/// As whoever took the registry's place would: it publishes its own key, and signs with it.
fn impostor(seen: &Seen) -> Vec<Step> {
    let impostor = DecisionSigner::from_seed(&[9; 32]);
    if seen.line.contains("jwks.json") {
        return vec![answer(200, &json!({"keys": [impostor.public_key()]}))];
    }
    if seen.line.contains("/verify_view") {
        return vec![http(404, "", b"")];
    }
    let mut decision = allow(seen);
    let digest = digest_json(&seen.body["context"]).unwrap();
    decision.insert("context_digest".to_owned(), json!(digest));
    impostor.sign_document(&mut decision).unwrap();
    vec![answer(200, &decision.into())]
}

/// A file of the true registry's keys.
fn keys_file() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), jwks().to_string()).unwrap();
    file
}

#[tokio::test]
async fn whoever_answers_as_the_registry_publishes_its_keys_unless_the_operator_named_them() {
    let registry = Registry::answering(impostor).await;
    let secure = || gate(&registry.url()).security(Security::Secure);
    // Nothing but the way there tells the two apart.
    let till = Till::open(secure()).await;
    assert_eq!(till.refund("key-0000001").await.is_error, Some(false));
    let file = keys_file();
    let till = Till::open(secure().jwks_file(file.path())).await;
    let result = till.refund("key-0000001").await;
    let unknown = "gate.signing_key_unknown";
    till.assert_refused(&result, unknown, "an impostor").await;
}

#[tokio::test]
async fn with_named_keys_a_decision_counts_for_its_own_context_alone_and_none_are_fetched() {
    let registry = Registry::answering(|seen| {
        if seen.line.contains("/verify_view") {
            return vec![http(404, "", b"")];
        }
        let mut decision = allow(seen);
        if seen.before > 0 {
            let digest = digest_json(&seen.body["context"]).unwrap();
            decision.insert("context_digest".to_owned(), json!(digest));
        }
        vec![answer(200, &signed(decision).into())]
    })
    .await;
    let file = keys_file();
    let builder = gate(&registry.url()).security(Security::Secure);
    let till = Till::open(builder.jwks_file(file.path())).await;
    let held_back = till.refund("key-0000001").await;
    till.assert_refused(&held_back, "gate.decision_unbound", "of any context")
        .await;
    let paid = till.refund("key-0000002").await;
    assert_eq!(paid.is_error, Some(false), "{}", text(&paid));
    assert!(registry.seen_at("jwks.json").is_empty());
}

#[tokio::test]
async fn named_keys_that_would_not_count_stop_the_start() {
    let file = keys_file();
    let start = async |builder: GateBuilder| {
        let home = tempfile::tempdir().unwrap();
        let error = builder.home(home.path()).build().await.unwrap_err();
        error.to_string()
    };
    let simple = gate("http://127.0.0.1:9").jwks_file(file.path());
    let told = start(simple).await;
    assert!(told.contains("APORT_SECURITY=secure"), "{told}");
    for text in ["", "[]", r#"{"keys": []}"#, r#"{"keys": [{"kty": "RSA"}]}"#] {
        std::fs::write(file.path(), text).unwrap();
        let builder = gate("http://127.0.0.1:9").security(Security::Secure);
        let told = start(builder.jwks_file(file.path())).await;
        assert!(told.contains("the file of keys"), "{text}: {told}");
    }
}

/// Answers everything with the first decision that it signed, which names no context.
fn replaying(kept: Arc<Mutex<Option<Map<String, Value>>>>) -> impl Fn(&Seen) -> Vec<Step> {
    move |seen| {
        if seen.line.contains("/verify_view") {
            return vec![answer(200, &json!({"passport_digest": PASSPORT_DIGEST}))];
        }
        if seen.line.contains("/outcome/") {
            return vec![answer(200, &json!({}))];
        }
        let mut kept = kept.lock().unwrap();
        let decision = kept.get_or_insert_with(|| signed(allow(seen))).clone();
        let body = Value::Object(decision).to_string();
        vec![http(200, "x-aport-outcome-token: t\r\n", body.as_bytes())]
    }
}

/// A gate in secure mode on this ledger file.
async fn serve(
    registry: &Registry,
    ledger: &std::path::Path,
    desk: &Arc<Desk>,
) -> InProcess<Server<Arc<Desk>>> {
    let home = tempfile::tempdir().unwrap();
    let builder = Gate::builder()
        .home(home.path())
        .ledger(ledger)
        .agent(aport_gate::oap::AgentId::parse("ap_tester").unwrap())
        .security(Security::Secure)
        .registry(registry.url());
    let gate = builder.build().await.unwrap();
    let server = Server::new(gate.clone(), Arc::clone(desk)).with_route(refund);
    InProcess::serve(server, gate, home).await
}

async fn reported(session: &InProcess<Server<Arc<Desk>>>) -> bool {
    let patience = Duration::from_secs(10);
    session.gate.outcomes_reported(patience).await
}

#[tokio::test]
async fn a_signed_decision_allows_one_call_also_after_a_restart_and_for_a_second_gate() {
    let registry = Registry::answering(with_keys(replaying(Arc::default()))).await;
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.sqlite3");
    let desk = Arc::new(Desk::default());
    let first = serve(&registry, &ledger, &desk).await;
    let paid = first.call("refund", arguments("key-0000001")).await;
    assert_eq!(paid.is_error, Some(false), "{}", text(&paid));
    assert!(reported(&first).await);
    let second = serve(&registry, &ledger, &desk).await;
    for session in [&first, &second] {
        let again = session.call("refund", arguments("key-0000002")).await;
        assert_eq!(codes(&again), ["gate.decision_reused"], "{}", text(&again));
        assert!(reported(session).await);
    }
    let runs = desk.runs.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(runs, 1);
    // Whose decision it was has reported; a release now would give back what was spent.
    let reports = registry.seen_at("/outcome/");
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0].body["settlement"], "commit");
}

#[tokio::test]
async fn a_decision_whose_call_did_nothing_allows_no_other_call_after_a_restart() {
    let registry = Registry::answering(with_keys(replaying(Arc::default()))).await;
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.sqlite3");
    let desk = Arc::new(Desk::default());
    let mut closed = arguments("key-0000001");
    closed["order_id"] = json!("closed");
    let first = serve(&registry, &ledger, &desk).await;
    let nothing = first.call("refund", closed).await;
    assert_eq!(nothing.is_error, Some(true), "{}", text(&nothing));
    assert!(reported(&first).await);
    assert_eq!(
        registry.seen_at("/outcome/")[0].body["settlement"],
        "release"
    );
    // The registry has its share back: what is shown again is not backed by anything.
    let second = serve(&registry, &ledger, &desk).await;
    let again = second.call("refund", arguments("key-0000001")).await;
    assert_eq!(codes(&again), ["gate.decision_reused"], "{}", text(&again));
    assert_eq!(desk.runs.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_freshly_signed_allow_for_a_key_that_paid_is_refused_and_given_back() {
    let registry = Registry::answering(with_keys(|seen| {
        if seen.line.contains("/verify_view") {
            return vec![answer(200, &json!({"passport_digest": PASSPORT_DIGEST}))];
        }
        if seen.line.contains("/outcome/") {
            return vec![answer(200, &json!({}))];
        }
        let body = Value::Object(signed(allow(seen))).to_string();
        vec![http(200, "x-aport-outcome-token: t\r\n", body.as_bytes())]
    }))
    .await;
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.sqlite3");
    let desk = Arc::new(Desk::default());
    let first = serve(&registry, &ledger, &desk).await;
    let paid = first.call("refund", arguments("key-0000001")).await;
    assert_eq!(paid.is_error, Some(false), "{}", text(&paid));
    let second = serve(&registry, &ledger, &desk).await;
    for session in [&first, &second] {
        let again = session.call("refund", arguments("key-0000001")).await;
        assert_eq!(codes(&again), ["gate.idempotency_key_used"]);
        assert!(reported(session).await);
    }
    assert_eq!(desk.runs.load(std::sync::atomic::Ordering::SeqCst), 1);
    let settled = registry.seen_at("/outcome/");
    let mut settled: Vec<_> = settled
        .iter()
        .map(|seen| seen.body["settlement"].as_str().unwrap())
        .collect();
    settled.sort_unstable();
    assert_eq!(settled, ["commit", "release", "release"]);
    // A key whose call did nothing is free again.
    let mut closed = arguments("key-0000002");
    closed["order_id"] = json!("closed");
    assert_eq!(first.call("refund", closed).await.is_error, Some(true));
    let paid = second.call("refund", arguments("key-0000002")).await;
    assert_eq!(paid.is_error, Some(false), "{}", text(&paid));
}
