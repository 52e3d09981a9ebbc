//! A passport, a pack and a request for tests.

use aport_gate_oap::{Evaluation, Pack, Passport, Request, Usage};
use serde_json::{Value, json};

pub(crate) fn document() -> Value {
    json!({
        "passport_id": "ap_child", "kind": "instance", "spec_version": "oap/1.0", "parent_agent_id": "ap_parent",
        "owner_id": "org_1", "owner_type": "org", "status": "active", "assurance_level": "L2",
        "capabilities": [{ "id": "acme.pay" }], "limits": { "acme.pay": { "max": 9 } }, "regions": ["US", "US-CA"],
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z", "version": "1.0.0"
    })
}

pub(crate) fn with(path: &str, value: Value) -> Value {
    let mut document = document();
    *document
        .pointer_mut(path)
        .unwrap_or_else(|| panic!("{path}")) = value;
    document
}

pub(crate) fn read(document: &Value) -> Passport {
    Passport::parse(document.to_string().as_bytes()).unwrap()
}

pub(crate) fn pack(fields: Value) -> Pack {
    let mut pack = json!({
        "id": "acme.pay.v1", "requires_capabilities": ["acme.pay"], "mcp": { "require_allowlisted_if_present": true },
        "evaluation_rules": [{ "name": "fine", "condition": "true", "deny_code": "oap.no" }]
    });
    for (key, value) in fields.as_object().unwrap() {
        pack[key] = value.clone();
    }
    Pack::parse(pack.to_string().as_bytes()).unwrap()
}

pub(crate) fn decide(
    pack: &Pack,
    passport: &Passport,
    context: &Value,
    tool: Option<&str>,
) -> Evaluation {
    let request = Request {
        agent_id: passport.agent_id(),
        passport: Some(passport),
        context: context.as_object().unwrap(),
        tool,
        now: "2026-06-01T00:00:00Z".parse().unwrap(),
    };
    let answer = pack.evaluate(&request, &Usage::default());
    assert_eq!(
        pack.explain(&request, &Usage::default()).reasons,
        answer.reasons
    );
    answer
}

pub(crate) fn codes(answer: &Evaluation) -> Vec<&str> {
    answer
        .reasons
        .iter()
        .map(|reason| reason.code.as_str())
        .collect()
}
