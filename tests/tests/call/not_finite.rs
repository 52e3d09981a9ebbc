//! Numbers that JSON cannot hold: a rule would not see them, so the call is refused.

use std::collections::BTreeMap;

use aport_gate::{PolicyFacts, Server, policy_gated};
use aport_gate_tests::in_process::{InProcess, codes, gate_with, text};
use serde_json::json;

/// A field that may be left out, with a cap where it is not.
const PACK: &str = r#"{
  "id": "acme.dose.v1", "name": "Doses", "version": "1.0.0", "status": "active",
  "requires_capabilities": ["acme.dose"], "min_assurance": "L0",
  "required_context": {
    "type": "object", "required": [], "properties": { "level": { "type": "number" } }
  },
  "evaluation_rules": [{
    "name": "level_cap",
    "condition": "not context.level or context.level <= limits.max_level",
    "deny_code": "oap.limit_exceeded", "message": "level {actual} is over {limit}"
  }]
}"#;

/// Reads what is too large as infinity.
#[policy_gated(pack = "acme.dose.v1", unchecked)]
async fn narrow(level: f32) -> String {
    format!("at {level}")
}

#[policy_gated(pack = "acme.dose.v1", unchecked)]
async fn nested(levels: BTreeMap<String, Vec<f32>>) -> String {
    format!("at {levels:?}")
}

#[policy_gated(pack = "acme.dose.v1", unchecked)]
async fn preset(#[arg(default = f64::INFINITY)] level: f64) -> String {
    format!("at {level}")
}

#[policy_gated(pack = "acme.dose.v1", unchecked, context(level = amount / rate))]
async fn mapped(amount: f64, rate: f64) -> String {
    format!("at {amount} / {rate}")
}

#[derive(PolicyFacts)]
struct Measured {
    level: Option<f64>,
}

async fn measured(weight: &f64) -> Measured {
    Measured {
        level: (*weight < 100.0).then_some(1.0 / weight),
    }
}

#[policy_gated(pack = "acme.dose.v1", unchecked, facts = measured)]
async fn looked_up(weight: f64) -> String {
    format!("for {weight}")
}

async fn served() -> InProcess<Server<()>> {
    let limits = json!({"max_level": 3});
    let (gate, home) = gate_with("acme.dose", limits, |builder| builder.pack(PACK)).await;
    let server = Server::new(gate.clone(), ())
        .with_route(narrow)
        .with_route(nested)
        .with_route(preset)
        .with_route(mapped)
        .with_route(looked_up);
    InProcess::serve(server, gate, home).await
}

#[tokio::test]
async fn a_number_that_is_not_finite_is_refused_and_not_taken_for_absent() {
    let served = served().await;
    for (tool, arguments, code) in [
        ("narrow", json!({"level": 1e300}), "gate.invalid_context"),
        (
            "nested",
            json!({"levels": {"a": [1, -1e300]}}),
            "gate.invalid_context",
        ),
        ("preset", json!({}), "gate.invalid_context"),
        (
            "mapped",
            json!({"amount": 5, "rate": 0}),
            "gate.invalid_context",
        ),
        (
            "mapped",
            json!({"amount": 0, "rate": 0}),
            "gate.invalid_context",
        ),
        ("looked_up", json!({"weight": 0}), "gate.facts_unavailable"),
    ] {
        let refused = served.call(tool, arguments.clone()).await;
        assert_eq!(codes(&refused), [code], "{tool} {arguments}: {refused:?}");
        if code == "gate.invalid_context" {
            let told = text(&refused);
            assert!(told.contains("the rules would not see it"), "{told}");
        }
    }
}

#[tokio::test]
async fn other_numbers_meet_their_rules() {
    let served = served().await;
    for (tool, arguments, denied) in [
        ("narrow", json!({"level": 5.5}), true),
        ("narrow", json!({"level": 2.5}), false),
        ("preset", json!({"level": 3}), false),
        ("mapped", json!({"amount": 9, "rate": 2}), true),
        ("looked_up", json!({"weight": 0.2}), true),
        ("looked_up", json!({"weight": 1}), false),
        // No fact, which is no number that is not finite.
        ("looked_up", json!({"weight": 200}), false),
    ] {
        let answer = served.call(tool, arguments.clone()).await;
        let told = format!("{tool} {arguments}: {answer:?}");
        assert_eq!(answer.is_error == Some(true), denied, "{told}");
        assert_eq!(codes(&answer) == ["oap.limit_exceeded"], denied, "{told}");
    }
}
