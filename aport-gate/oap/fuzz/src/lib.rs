//! What the fuzzers run: every reader on arbitrary bytes, and the evaluation of what was accepted. A panic is a
//! finding, and so is an answer that contradicts itself.

use aport_gate_oap::{
    AgentId, Decision, Pack, Passport, Request, Usage, canonical_json, embedded_packs,
    parse_condition, parse_json,
};
use serde_json::{Map, Value, json};

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 4] = [
    ("condition", condition),
    ("pack", pack),
    ("passport", passport),
    ("decision", decision),
];

/// A condition: it prints as itself, and evaluates to an answer.
pub fn condition(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(condition) = parse_condition(text) else {
        return;
    };
    let printed = condition.to_string();
    if printed.chars().count() <= 1_000 {
        assert_eq!(
            parse_condition(&printed),
            Ok(condition),
            "{text} => {printed}"
        );
    }
    let document = json!({
        "id": "data.report.v1", "requires_capabilities": ["data.report"],
        "counters": [{"name": "daily_total", "kind": "sum", "of": "amount", "window": "day"}],
        "idempotency": {"field": "key"},
        "evaluation_rules": [{"name": "rule", "deny_code": "oap.denied", "condition": text}]
    });
    if let Ok(pack) = Pack::parse(document.to_string().as_bytes()) {
        evaluate(&pack, &reference_passport());
    }
}

/// A pack: what it loads as answers a request, and its document digests alike when it is read again.
pub fn pack(data: &[u8]) {
    let _ = Pack::check(data);
    if let Ok(pack) = Pack::parse(data) {
        evaluate(&pack, &reference_passport());
        let again = Pack::parse(pack.as_value().to_string().as_bytes());
        assert_eq!(again.map(|pack| pack.digest()), Ok(pack.digest()));
    }
}

/// A passport: it asks for what the embedded packs guard.
pub fn passport(data: &[u8]) {
    if let Ok(passport) = Passport::parse(data) {
        for (_, json) in embedded_packs() {
            if let Ok(pack) = Pack::parse(json) {
                evaluate(&pack, &passport);
            }
        }
        let again = Passport::parse(passport.as_value().to_string().as_bytes());
        assert_eq!(
            again.map(|passport| passport.digest()),
            Ok(passport.digest())
        );
    }
}

/// A decision, and any JSON: it reads back as what was written.
pub fn decision(data: &[u8]) {
    let Ok(value) = parse_json(data) else {
        return;
    };
    if let Ok(bytes) = canonical_json(&value) {
        let again = parse_json(&bytes).map(|again| canonical_json(&again));
        assert_eq!(again, Ok(Ok(bytes)));
    }
    if let Ok(decision) = serde_json::from_value::<Decision>(value) {
        let written = serde_json::to_value(&decision).expect("a decision has a JSON form");
        let again: Decision = serde_json::from_value(written).expect("it reads back");
        assert_eq!(again, decision);
    }
}

fn evaluate(pack: &Pack, passport: &Passport) {
    for context in contexts() {
        let request = Request {
            agent_id: passport.agent_id(),
            passport: Some(passport),
            context: &context,
            tool: Some("tool"),
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        let plan = pack.usage_plan(&request);
        let usage = Usage {
            counters: plan.counters.into_iter().map(|key| (key, 7)).collect(),
            key_seen: false,
        };
        let answer = pack.evaluate(&request, &usage);
        assert!(!answer.reasons.is_empty());
        assert!(answer.allow || answer.charges.is_empty());
        assert_eq!(answer, pack.evaluate(&request, &usage));
    }
}

fn contexts() -> [Map<String, Value>; 3] {
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    [
        Map::new(),
        object(json!({
            "order_id": "o-1", "customer_id": "c-1", "amount": 50, "currency": "USD", "region": "US",
            "reason_code": "wish", "idempotency_key": "key-00000001", "key": "k",
            "repository": "acme/api", "action": "pr.merge", "branch": "main", "pr_number": 1
        })),
        object(json!({
            "amount": -0.5, "currency": [], "tags": ["a", "b", 1, null], "note": "é\u{1F600}",
            "order": {"note": [{"amount": 1}]}, "key": 9, "region": null
        })),
    ]
}

fn reference_passport() -> Passport {
    let document = json!({
        "passport_id": AgentId::parse("ap_fuzz").expect("an agent id"), "spec_version": "oap/1.0",
        "owner_id": "org_1", "status": "active", "assurance_level": "L3",
        "capabilities": [{"id": "data.report"}, {"id": "finance.payment.refund"}], "regions": ["US"],
        "limits": {
            "data.report": {"amount": 100, "tags": ["a", "a/*", "**"], "reason_codes": ["wish"]},
            "currency_limits": {"USD": {"max_per_tx": 100, "daily_cap": 1000}}
        }
    });
    Passport::parse(document.to_string().as_bytes()).expect("a passport")
}
