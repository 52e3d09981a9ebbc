//! What the span of a call tells, and what it does not.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aport_gate::{FactsError, PolicyFacts, RegistryHealth, Server, policy_gated};
use aport_gate_tests::in_process::{InProcess, TESTER, codes, decision, gate_with};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry as Subscriber};

use crate::desk::{PACK, Till, allow, arguments, gate};
use crate::server::{Registry, Step, http, json as answer};

type Fields = BTreeMap<&'static str, String>;

/// Keeps the fields of every span `gated_call`, in the order in which they end.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Fields>>>);

struct Seen<'a>(&'a mut Fields);

impl Visit for Seen<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Kept {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Seen(&mut fields));
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut extensions = span.extensions_mut();
        values.record(&mut Seen(extensions.get_mut::<Fields>().unwrap()));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        if span.name() == "gated_call" {
            let fields = span.extensions_mut().remove::<Fields>().unwrap();
            self.0.lock().unwrap().push(fields);
        }
    }
}

/// A till whose gate decides here.
async fn local() -> Till {
    let limits = json!({
        "currency_limits": {"USD": {"max_per_tx": 10, "daily_cap": 1000}},
        "reason_codes": ["customer_request"]
    });
    let (gate, home) = gate_with("finance.payment.refund", limits, |builder| {
        builder.ledger_in_memory()
    })
    .await;
    Till::serve(gate, home).await
}

/// Until the guard is dropped, on this thread.
async fn watch() -> (Kept, DefaultGuard) {
    // Once a span was made, by whichever thread, a subscriber that comes later hears of the next: `tracing` may
    // leave out one that comes while the first is made.
    local().await.refund("key-0000001").await;
    let kept = Kept::default();
    let guard = tracing::subscriber::set_default(Subscriber::default().with(kept.clone()));
    (kept, guard)
}

impl Kept {
    fn all(&self) -> Vec<Fields> {
        self.0.lock().unwrap().clone()
    }
}

fn assert_time(fields: &Fields, stage: &str) {
    let took: f64 = fields[stage].parse().unwrap();
    assert!(took >= 0.0, "{fields:?}");
}

#[tokio::test]
async fn a_span_tells_who_asked_what_and_what_was_decided_over_a_registry() {
    let (kept, _guard) = watch().await;
    let registry = Registry::answering(|seen| match seen.before {
        0 => vec![http(503, "", b"")],
        1 => vec![answer(200, &allow(seen).into())],
        2 => {
            let mut decision = allow(seen);
            decision.insert("allow".to_owned(), json!(false));
            decision.insert("outcome".to_owned(), json!("deny"));
            vec![answer(200, &decision.into())]
        }
        _ => vec![http(500, "", b"")],
    })
    .await;
    let till = Till::open(gate(&registry.url()).timeout(Duration::from_secs(5))).await;
    let health = || till.session.gate.registry_health().unwrap();
    assert_eq!(health(), RegistryHealth::Answering);
    let paid = till.refund("key-hunter2-1").await;
    let denied = till.refund("key-hunter2-2").await;
    let refused = till.refund("key-hunter2-3").await;
    assert_eq!(codes(&refused), ["gate.registry_unavailable"]);

    let spans = kept.all();
    assert_eq!(spans.len(), 3, "{spans:?}");
    for fields in &spans {
        assert_eq!(fields["tool"], "refund");
        assert_eq!(fields["pack"], PACK);
        assert_eq!(fields["agent"], TESTER);
        assert_eq!(fields["verifier"], "registry");
        assert_time(fields, "verify_ms");
        assert!(!format!("{fields:?}").contains("hunter2"), "{fields:?}");
    }
    for (fields, result, allow) in [(&spans[0], &paid, "true"), (&spans[1], &denied, "false")] {
        assert_eq!(fields["allow"], allow);
        assert_eq!(decision(result)["decision_id"], *fields["decision_id"]);
        assert!(!fields.contains_key("refused"), "{fields:?}");
        assert_time(fields, "ledger_ms");
    }
    assert_eq!(spans[0]["attempts"], "2", "the first answer was none");
    assert_eq!(spans[1]["attempts"], "1");
    assert_time(&spans[0], "body_ms");
    assert!(!spans[1].contains_key("body_ms"), "it never ran");
    assert_eq!(spans[2]["refused"], "gate.registry_unavailable");
    assert_eq!(spans[2]["attempts"], "4");
    assert!(!spans[2].contains_key("allow") && !spans[2].contains_key("decision_id"));

    // What the calls met is known without asking.
    let RegistryHealth::Failing { failures, last, .. } = health() else {
        panic!("{:?}", health())
    };
    assert_eq!((failures, last), (1, "gate.registry_unavailable"));
    for call in 0..4 {
        till.refund(&format!("key-000000{call}")).await;
    }
    let RegistryHealth::Paused { since, until, last } = health() else {
        panic!("{:?}", health())
    };
    assert!(since < until);
    assert_eq!(last, "gate.registry_unavailable");
}

#[tokio::test]
async fn a_span_tells_the_same_of_a_local_decision() {
    let (kept, _guard) = watch().await;
    let till = local().await;
    assert_eq!(till.session.gate.registry_health(), None);
    let paid = till.refund("key-hunter2-1").await;
    assert_eq!(paid.is_error, Some(false), "{paid:?}");
    let mut over = arguments("key-hunter2-2");
    over["amount"] = json!(11);
    let denied = till.session.call("refund", over).await;
    let mut wrong = arguments("key-hunter2-3");
    wrong["amount"] = json!("hunter2");
    till.session.call("refund", wrong).await;

    let spans = kept.all();
    assert_eq!(spans.len(), 3, "{spans:?}");
    for (fields, result, allow) in [(&spans[0], &paid, "true"), (&spans[1], &denied, "false")] {
        assert_eq!((&*fields["agent"], &*fields["verifier"]), (TESTER, "local"));
        assert_eq!(fields["allow"], allow);
        assert_eq!(decision(result)["decision_id"], *fields["decision_id"]);
        assert_time(fields, "verify_ms");
        assert_time(fields, "ledger_ms");
        assert!(!fields.contains_key("attempts") && !fields.contains_key("cache"));
    }
    assert_eq!(spans[2]["refused"], "gate.invalid_arguments");
    assert_eq!(spans[2]["verifier"], "local");
    assert!(!format!("{spans:?}").contains("hunter2"), "{spans:?}");
}

/// How long each stage of a deployment takes at least, in milliseconds: each has a length of its own.
const LOOK_UP: u64 = 40;
const DECIDE: u64 = 160;
const DEPLOY: u64 = 320;

#[derive(PolicyFacts)]
struct Target {
    replicas: u32,
}

async fn target(_host: &(), _target: &str) -> Result<Target, FactsError> {
    tokio::time::sleep(Duration::from_millis(LOOK_UP)).await;
    Ok(Target { replicas: 1 })
}

/// Deploy.
#[policy_gated(pack = "acme.deploy.v1", unchecked, facts = target)]
async fn deploy(#[service] _host: &(), target: String) -> String {
    tokio::time::sleep(Duration::from_millis(DEPLOY)).await;
    target
}

/// That none is another's, in another unit, or of another call: each took what its own work took, and all
/// together no longer than the call.
#[tokio::test]
async fn each_stage_has_its_own_time() {
    let (kept, _guard) = watch().await;
    let registry = Registry::answering(|seen| {
        let pause = Step::Wait(Duration::from_millis(DECIDE));
        vec![pause, answer(200, &allow(seen).into())]
    })
    .await;
    let home = tempfile::tempdir().unwrap();
    let builder = gate(&registry.url())
        .timeout(Duration::from_secs(30))
        .pack(include_str!("../../policies/acme.deploy.v1.json"));
    let gate = builder.home(home.path()).build().await.unwrap();
    let server = Server::new(gate.clone(), ()).with_route(deploy);
    let session = InProcess::serve(server, gate, home).await;
    let began = std::time::Instant::now();
    let result = session.call("deploy", json!({"target": "staging"})).await;
    let whole = began.elapsed().as_secs_f64() * 1000.0;
    assert_eq!(result.is_error, Some(false), "{result:?}");

    let spans = kept.all();
    let fields = spans.last().unwrap();
    assert_eq!(fields["tool"], "deploy", "{spans:?}");
    let took = |stage: &str| fields[stage].parse::<f64>().unwrap();
    for (stage, at_least) in [
        ("facts_ms", LOOK_UP),
        ("verify_ms", DECIDE),
        ("body_ms", DEPLOY),
    ] {
        assert!(took(stage) >= at_least as f64, "{stage}: {fields:?}");
    }
    let all = took("facts_ms") + took("verify_ms") + took("body_ms");
    assert!(all <= whole, "{all} of {whole}: {fields:?}");
    // The record is part of deciding; asking the registry is no part of the record.
    let ledger = took("ledger_ms");
    assert!(ledger > 0.0, "{fields:?}");
    assert!(ledger + DECIDE as f64 <= took("verify_ms"), "{fields:?}");
}

#[tokio::test]
async fn a_span_tells_whether_a_decision_was_kept() {
    let (kept, _guard) = watch().await;
    let registry = Registry::answering(|seen| vec![answer(200, &allow(seen).into())]).await;
    for cache in [false, true] {
        let before = kept.all().len();
        let mut builder = gate(&registry.url()).pack(crate::calls::NOTE_PACK);
        if cache {
            builder = builder.cache(Duration::from_secs(30));
        }
        let home = tempfile::tempdir().unwrap();
        let gate = builder.home(home.path()).build().await.unwrap();
        let runs = Arc::<AtomicU32>::default();
        let server = Server::new(gate.clone(), runs).with_route(crate::calls::write_note);
        let session = InProcess::serve(server, gate, home).await;
        for note in ["a", "a", "b"] {
            session.call("write_note", json!({"note": note})).await;
        }
        let all = kept.all();
        let of = |field: &str| -> Vec<Option<&str>> {
            let spans = all[before..].iter();
            spans
                .map(|span| span.get(field).map(String::as_str))
                .collect()
        };
        // Who keeps nothing says nothing of it; what was kept was not asked for.
        let (cached, attempts) = match cache {
            false => ([None; 3], [Some("1"); 3]),
            true => (
                [Some("miss"), Some("hit"), Some("miss")],
                [Some("1"), None, Some("1")],
            ),
        };
        assert_eq!(of("cache"), cached, "{all:?}");
        assert_eq!(of("attempts"), attempts, "{all:?}");
    }
}
