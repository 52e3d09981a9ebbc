//! Packs, passports and requests for tests: a pack with one capability and the rules given.

use aport_gate_oap::{Evaluation, Explanation, Pack, Passport, Request, Usage};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// A pack, a passport, and what was used before.
pub(crate) struct Setting {
    pub(crate) pack: Pack,
    pub(crate) passport: Passport,
    pub(crate) usage: Usage,
    pub(crate) now: Timestamp,
}

impl Setting {
    /// One rule that names a validator, under limits of the pack's capability.
    pub(crate) fn validator(name: &str, limits: Value) -> Self {
        Self::new(
            json!({
                "id": "acme.thing.do.v1",
                "requires_capabilities": ["acme.thing"],
                "evaluation_rules": [{
                    "name": "the_rule", "type": "custom_validator", "validator": name, "deny_code": "oap.refused"
                }]
            }),
            json!({ "acme.thing": limits }),
        )
    }

    pub(crate) fn new(pack: Value, limits: Value) -> Self {
        let pack = Pack::parse(pack.to_string().as_bytes()).unwrap();
        let capabilities: Vec<Value> = pack
            .requires_capabilities()
            .iter()
            .flatten()
            .map(|id| json!({ "id": id }))
            .collect();
        let passport = passport(json!({ "capabilities": capabilities, "limits": limits }));
        Self {
            pack,
            passport,
            usage: Usage::default(),
            now: "2026-11-23T12:00:00Z".parse().unwrap(),
        }
    }

    pub(crate) fn decide(&self, context: &Value) -> Evaluation {
        self.with(context, |pack, request| pack.evaluate(request, &self.usage))
    }

    pub(crate) fn explain(&self, context: &Value) -> Explanation {
        self.with(context, |pack, request| pack.explain(request, &self.usage))
    }

    /// As [`Setting::decide`], and counts the call if it is allowed, as the ledger does.
    pub(crate) fn run(&mut self, context: &Value) -> Evaluation {
        let (plan, evaluation) = self.with(context, |pack, request| {
            (
                pack.usage_plan(request),
                pack.evaluate(request, &self.usage),
            )
        });
        let read: Vec<_> = evaluation
            .charges
            .iter()
            .map(|charge| &charge.counter)
            .collect();
        assert!(
            read.iter().all(|counter| plan.counters.contains(counter)),
            "what is charged must have been read: {read:?}, {plan:?}"
        );
        let mut counters: HashMap<_, _> = std::mem::take(&mut self.usage.counters);
        for charge in &evaluation.charges {
            *counters.entry(charge.counter.clone()).or_default() += charge.amount;
        }
        self.usage.counters = counters;
        evaluation
    }

    fn with<T>(&self, context: &Value, ask: impl FnOnce(&Pack, &Request<'_>) -> T) -> T {
        let context: &Map<String, Value> = context.as_object().expect("a context is an object");
        ask(
            &self.pack,
            &Request {
                agent_id: self.passport.agent_id(),
                passport: Some(&self.passport),
                context,
                tool: None,
                now: self.now,
            },
        )
    }
}

/// An active passport with these fields besides.
pub(crate) fn passport(fields: Value) -> Passport {
    let mut document = json!({
        "passport_id": "ap_tester", "spec_version": "oap/1.0", "owner_id": "org_1", "status": "active",
        "assurance_level": "L4FIN", "capabilities": [], "limits": {}, "regions": ["US"]
    });
    for (key, value) in fields.as_object().unwrap() {
        document[key] = value.clone();
    }
    Passport::parse(document.to_string().as_bytes()).unwrap()
}

/// Codes of the reasons.
pub(crate) fn codes(evaluation: &Evaluation) -> Vec<&str> {
    evaluation
        .reasons
        .iter()
        .map(|reason| reason.code.as_str())
        .collect()
}

/// Every context passes the validator under these limits.
#[track_caller]
pub(crate) fn allows(name: &str, limits: &Value, contexts: &[Value]) {
    for context in contexts {
        let decided = Setting::validator(name, limits.clone()).decide(context);
        assert!(
            decided.allow,
            "{context} under {limits}: {:?}",
            decided.reasons
        );
    }
}

/// Every context is denied with this one code.
#[track_caller]
pub(crate) fn denies(name: &str, limits: &Value, contexts: &[Value], code: &str) {
    for context in contexts {
        let decided = Setting::validator(name, limits.clone()).decide(context);
        assert_eq!(
            codes(&decided),
            [code],
            "{context} under {limits}: {:?}",
            decided.reasons
        );
    }
}
