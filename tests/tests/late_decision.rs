//! A decision that blocks past its deadline lets nothing run, though it comes out as an allow.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aport_gate::{Server, policy_gated};
use aport_gate_tests::in_process::{InProcess, codes, gate_with};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

const TIMEOUT: Duration = Duration::from_millis(500);

/// Deploy.
#[policy_gated(pack = "acme.deploy.v1", unchecked)]
async fn deploy(#[service] ran: &Arc<AtomicBool>, target: String, replicas: u32) -> String {
    ran.store(true, Ordering::SeqCst);
    format!("{replicas} on {target}")
}

/// A log that stalls on the message of a reload, which is written while a call waits for its packs.
struct Stalling(Arc<AtomicBool>);

impl<S: Subscriber> Layer<S> for Stalling {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct IsReload(bool);
        impl Visit for IsReload {
            fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
                self.0 |= format!("{value:?}").starts_with("the packs changed");
            }
        }
        let mut reload = IsReload(false);
        event.record(&mut reload);
        if reload.0 {
            self.0.store(true, Ordering::SeqCst);
            std::thread::sleep(TIMEOUT + Duration::from_millis(100));
        }
    }
}

#[tokio::test]
async fn an_allow_that_comes_after_the_deadline_lets_nothing_run_and_takes_nothing() {
    let (stalled, ran) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let log = tracing_subscriber::registry().with(Stalling(Arc::clone(&stalled)));
    let _log = tracing::subscriber::set_default(log);
    let limits = json!({"targets": ["staging"], "max_replicas": 3});
    let (gate, home) = gate_with("acme.deploy", limits, |builder| {
        let pack = include_str!("../policies/acme.deploy.v1.json");
        builder.pack(pack).timeout(TIMEOUT)
    })
    .await;
    let server = Server::new(gate.clone(), Arc::clone(&ran)).with_route(deploy);
    let served = InProcess::serve(server, gate, home).await;
    let call = || served.call("deploy", json!({"target": "staging", "replicas": 2}));

    let more =
        include_str!("../policies/acme.deploy.v1.json").replace("acme.deploy.v1", "acme.more.v1");
    let packs = served.home.path().join("packs");
    std::fs::create_dir_all(&packs).unwrap();
    std::fs::write(packs.join("acme.more.v1.json"), more).unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;

    assert_eq!(codes(&call().await), ["gate.timeout"]);
    assert!(
        stalled.load(Ordering::SeqCst),
        "the reload came during the call"
    );
    assert!(!ran.load(Ordering::SeqCst), "the tool ran");
    let outcomes = served.records("outcome").await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome["reservation"] == "released"),
        "{outcomes:?}"
    );
    assert_eq!(codes(&call().await), ["oap.allowed"]);
    assert!(ran.load(Ordering::SeqCst));
}
