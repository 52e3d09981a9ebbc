//! A registry that answers in good form, and means harm.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aport_gate::{Gate, Security, Server};
use aport_gate_tests::in_process::{InProcess, codes, text};
use serde_json::{Map, Value, json};

use crate::desk::{Desk, PASSPORT_DIGEST, Till, allow, arguments, gate, refund, signed, with_keys};
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

#[tokio::test]
async fn a_signed_decision_allows_one_call_also_after_a_restart_and_for_a_second_gate() {
    let registry = Registry::answering(with_keys(replaying(Arc::default()))).await;
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.sqlite3");
    let desk = Arc::new(Desk::default());
    let serve = async || {
        let home = tempfile::tempdir().unwrap();
        let builder = Gate::builder()
            .home(home.path())
            .ledger(&ledger)
            .agent(aport_gate::oap::AgentId::parse("ap_tester").unwrap())
            .security(Security::Secure)
            .registry(registry.url());
        let gate = builder.build().await.unwrap();
        let server = Server::new(gate.clone(), Arc::clone(&desk)).with_route(refund);
        InProcess::serve(server, gate, home).await
    };
    let first = serve().await;
    let paid = first.call("refund", arguments("key-0000001")).await;
    assert_eq!(paid.is_error, Some(false), "{}", text(&paid));
    assert!(first.gate.outcomes_reported(Duration::from_secs(10)).await);
    let second = serve().await;
    for session in [&first, &second] {
        let again = session.call("refund", arguments("key-0000002")).await;
        assert_eq!(codes(&again), ["gate.decision_reused"], "{}", text(&again));
        assert!(
            session
                .gate
                .outcomes_reported(Duration::from_secs(10))
                .await
        );
    }
    let runs = desk.runs.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(runs, 1);
    // Whose decision it was has reported; a release now would give back what was spent.
    let reports = registry.seen_at("/outcome/");
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0].body["settlement"], "commit");
}
