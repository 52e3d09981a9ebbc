//! What a span says, and whose it is.

use serde_json::{Value, json};

use crate::collector::{Collector, Span};
use crate::endpoint::Endpoint;
use crate::server::{AGENT, Session, home, refund};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// Cannot answer first, then allows, and denies the second order.
fn registry() -> Endpoint {
    Endpoint::answering(|number, seen| {
        if number == 0 {
            return Some((503, Vec::new()));
        }
        let question: Value = serde_json::from_slice(&seen.body).unwrap();
        let allow = question["idempotency_key"] != "key-hunter2-2";
        let decision = json!({
            "decision_id": format!("decision-{number}"),
            "policy_id": question["context"]["policy_id"], "agent_id": question["agent_id"],
            "allow": allow,
            "reasons": [{"code": "oap.said", "message": "to order-hunter2"}], "expires_in": 60,
        });
        Some((200, decision.to_string().into_bytes()))
    })
}

fn time(span: &Span, stage: &str) -> f64 {
    span.attributes[stage].parse().unwrap()
}

#[test]
fn a_span_tells_what_was_decided_and_joins_the_trace_of_caller_and_registry() {
    let (collector, registry, home) = (Collector::start(), registry(), home());
    let mut session = Session::open(
        home.path(),
        &[
            ("APORT_BASE_URL", &registry.url()),
            ("APORT_API_KEY", "key-of-hunter2"),
            ("APORT_CACHE", "on"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
            ("OTEL_SERVICE_NAME", "desk"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=acme"),
            // Spans do not hang on what is logged.
            ("RUST_LOG", "off"),
        ],
    );
    let meta = json!({
        "traceparent": format!("00-{TRACE}-{CALLER}-01"), "tracestate": "vendor=1",
    });
    let paid = session.call(&refund("key-hunter2-1"), meta);
    assert_eq!(paid["isError"], false, "{paid}");
    let denied = session.call(&refund("key-hunter2-2"), json!({}));
    assert_eq!(denied["isError"], true, "{denied}");
    let mut wrong = refund("key-hunter2-3");
    wrong["amount"] = json!("hunter2");
    let refused = session.call(&wrong, json!({}));
    assert_eq!(refused["isError"], true, "{refused}");
    let (status, rest, log) = session.leave();
    assert!(status.success() && rest.is_empty(), "{rest}{log}");

    let spans = collector.spans();
    assert_eq!(spans.len(), 3, "{spans:?}");
    for span in &spans {
        assert_eq!((&*span.name, &*span.service), ("gated_call", "desk"));
        let told = &span.attributes;
        assert_eq!(told["tool"], "process_refund");
        assert_eq!(told["pack"], "finance.payment.refund.v1");
        assert_eq!(told["verifier"], "registry");
        assert_eq!(span.events, 0, "what is logged may quote an argument");
    }
    for (span, allow, id) in [
        (&spans[0], "true", "decision-1"),
        (&spans[1], "false", "decision-2"),
    ] {
        let told = &span.attributes;
        assert_eq!(told["agent"], AGENT);
        assert_eq!((&*told["allow"], &*told["decision_id"]), (allow, id));
        assert_eq!(told["cache"], "miss");
        assert!(
            time(span, "verify_ms") >= time(span, "ledger_ms"),
            "{span:?}"
        );
        assert!(time(span, "ledger_ms") > 0.0, "{span:?}");
    }
    assert_eq!(spans[0].attributes["attempts"], "2");
    assert_eq!(spans[1].attributes["attempts"], "1");
    assert!(time(&spans[0], "body_ms") > 0.0);
    assert!(!spans[1].attributes.contains_key("body_ms"));
    assert_eq!(spans[2].attributes["refused"], "gate.invalid_arguments");
    assert!(!spans[2].attributes.contains_key("allow"));

    // The caller's span is its parent, and the registry is asked within it.
    assert_eq!((&*spans[0].trace, &*spans[0].parent), (TRACE, CALLER));
    assert_eq!(spans[0].state, "vendor=1");
    assert!(spans[1].trace != TRACE && spans[1].parent.is_empty());
    let asked = registry.seen();
    assert_eq!(asked.len(), 3);
    for (request, span) in [(0, 0), (1, 0), (2, 1)] {
        let Span { trace, id, .. } = &spans[span];
        let parent = &asked[request].headers["traceparent"];
        assert_eq!(*parent, format!("00-{trace}-{id}-01"));
    }
    assert_eq!(asked[0].headers["tracestate"], "vendor=1");
    assert!(!asked[2].headers.contains_key("tracestate"));
    for request in collector.requests() {
        assert_eq!(request.headers["x-tenant"], "acme");
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert!(!body.contains("hunter2"), "{body}");
        assert!(!format!("{:?}", request.headers).contains("hunter2"));
    }
}

#[test]
fn a_trace_that_is_not_well_formed_is_none() {
    let (collector, home) = (Collector::start(), home());
    let url = format!("{}/", collector.url());
    let mut session = Session::open(home.path(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    let bad = [
        json!(""),
        json!(7),
        json!(["00"]),
        json!(format!("00-{}-{CALLER}-01", TRACE.to_uppercase())),
        json!(format!("00-{}-{CALLER}-01", "0".repeat(32))),
        json!(format!("ff-{TRACE}-{CALLER}-01")),
        json!(format!("00-{TRACE}-{CALLER}-01-more")),
        json!("x".repeat(100_000)),
    ];
    for (number, parent) in bad.iter().enumerate() {
        let meta = json!({"traceparent": parent, "tracestate": parent});
        let paid = session.call(&refund(&format!("key-of-call-{number}")), meta);
        assert_eq!(paid["isError"], false, "{parent}: {paid}");
    }
    let (status, _, log) = session.leave();
    assert!(status.success(), "{log}");
    let spans = collector.spans();
    assert_eq!(spans.len(), bad.len(), "{spans:?}");
    for span in spans {
        assert!(span.parent.is_empty() && span.trace != TRACE, "{span:?}");
        assert_eq!(span.service, "aport-gate-server");
        assert_eq!(span.attributes["verifier"], "local");
    }
}
