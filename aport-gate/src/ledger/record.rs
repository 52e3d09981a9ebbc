//! The bodies of audit records as text. Members stand in the order of their names, whatever `serde_json` was built
//! with: who gets a record as JSON can write the text that was hashed.
//!
//! Not RFC 8785, which has no form for integers beyond 2^53; a record must hold those as well.

use aport_gate_oap::{
    Absent, AgentId, AssuranceLevel, Charge, Decision, Digest, OperatorOptions, Outcome, PackId,
    Reason, ReasonDetails, Window,
};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::error::Problem;
use super::verdict::Verdict;

/// A value with the members of every object sorted.
pub(super) struct Sorted<'v>(pub(super) &'v Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => SortedMembers(members).serialize(serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            leaf => leaf.serialize(serializer),
        }
    }
}

struct SortedMembers<'v>(&'v Map<String, Value>);

impl Serialize for SortedMembers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members: Vec<_> = self.0.iter().collect();
        members.sort_unstable_by_key(|(name, _)| name.as_str());
        serializer.collect_map(
            members
                .into_iter()
                .map(|(name, member)| (name, Sorted(member))),
        )
    }
}

/// The text of a value as a record has it.
pub(super) fn text(body: &Value) -> Result<String, Problem> {
    Ok(serde_json::to_string(&Sorted(body))?)
}

impl Verdict {
    /// The text of the decision's record. Written from the fields themselves, in the order of their names: going
    /// through a tree of values cost more than deciding.
    pub(super) fn text(&self) -> Result<String, Problem> {
        let Self {
            decision,
            tool,
            facts,
            registry,
            charges,
            idempotency_key,
        } = self;
        let allowed = decision.allow;
        let charges = allowed.then(|| charges.iter().map(SortedCharge::new).collect());
        Ok(serde_json::to_string(&DecisionRecord {
            charges,
            decision: SortedDecision::new(decision),
            facts: facts.as_ref().map(|fields| Facts {
                fields: SortedMembers(fields),
                trusted: true,
            }),
            idempotency_key: allowed.then_some(idempotency_key.as_deref()),
            registry: registry.as_ref().map(SortedMembers),
            tool,
        })?)
    }
}

#[derive(Serialize)]
struct DecisionRecord<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    charges: Option<Vec<SortedCharge<'a>>>,
    decision: SortedDecision<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Facts<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<SortedMembers<'a>>,
    tool: &'a str,
}

#[derive(Serialize)]
struct Facts<'a> {
    fields: SortedMembers<'a>,
    trusted: bool,
}

#[derive(Serialize)]
struct SortedCharge<'a> {
    amount: i64,
    counter: SortedCounter<'a>,
}

#[derive(Serialize)]
struct SortedCounter<'a> {
    counter: &'a str,
    key: &'a str,
    window: Window,
    window_end: i64,
    window_start: i64,
}

impl<'a> SortedCharge<'a> {
    fn new(charge: &'a Charge) -> Self {
        let counter = &charge.counter;
        Self {
            amount: charge.amount,
            counter: SortedCounter {
                counter: &counter.counter,
                key: &counter.key,
                window: counter.window,
                window_end: counter.window_end,
                window_start: counter.window_start,
            },
        }
    }
}

#[derive(Serialize)]
struct SortedDecision<'a> {
    agent_id: &'a AgentId,
    allow: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    assurance_level: &'a Option<AssuranceLevel>,
    context_digest: &'a Digest,
    created_at: &'a Timestamp,
    decision_id: &'a str,
    expires_at: &'a Timestamp,
    expires_in: u64,
    issued_at: &'a Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator_options: Option<SortedOptions<'a>>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passport_digest: &'a Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passport_id: &'a Option<AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_hash: &'a Option<Digest>,
    policy_id: &'a PackId,
    reasons: Vec<SortedReason<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: &'a Option<String>,
}

impl<'a> SortedDecision<'a> {
    fn new(decision: &'a Decision) -> Self {
        // Every field by name: one that is added to decisions is missing here until somebody writes it.
        let Decision {
            decision_id,
            policy_id,
            agent_id,
            passport_id,
            owner_id,
            assurance_level,
            allow,
            outcome,
            reasons,
            created_at,
            issued_at,
            expires_in,
            expires_at,
            passport_digest,
            policy_hash,
            context_digest,
            tool,
            operator_options,
            kid,
            signature,
        } = decision;
        Self {
            agent_id,
            allow: *allow,
            assurance_level,
            context_digest,
            created_at,
            decision_id,
            expires_at,
            expires_in: *expires_in,
            issued_at,
            kid,
            operator_options: operator_options.as_ref().map(SortedOptions::new),
            outcome: *outcome,
            owner_id,
            passport_digest,
            passport_id,
            policy_hash,
            policy_id,
            reasons: reasons.iter().map(SortedReason::new).collect(),
            signature,
            tool,
        }
    }
}

#[derive(Serialize)]
struct SortedOptions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: &'a Option<Absent>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    waived_rules: &'a [String],
}

impl<'a> SortedOptions<'a> {
    fn new(options: &'a OperatorOptions) -> Self {
        let OperatorOptions {
            absent,
            waived_rules,
        } = options;
        Self {
            absent,
            waived_rules,
        }
    }
}

#[derive(Serialize)]
struct SortedReason<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<SortedDetails<'a>>,
    message: &'a str,
}

#[derive(Serialize)]
struct SortedDetails<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<Sorted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cap: Option<Sorted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Sorted<'a>>,
    rule: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<Sorted<'a>>,
}

impl<'a> SortedReason<'a> {
    fn new(reason: &'a Reason) -> Self {
        let Reason {
            code,
            message,
            details,
        } = reason;
        let details = details.as_ref().map(|details| {
            let ReasonDetails {
                rule,
                field,
                actual,
                limit,
                used,
                cap,
            } = details;
            SortedDetails {
                actual: actual.as_ref().map(Sorted),
                cap: cap.as_ref().map(Sorted),
                field,
                limit: limit.as_ref().map(Sorted),
                rule,
                used: used.as_ref().map(Sorted),
            }
        });
        Self {
            code,
            details,
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aport_gate_oap::CounterKey;
    use serde_json::json;

    #[test]
    fn a_decision_is_written_as_its_document_would_be_with_its_members_sorted() {
        let decision = json!({
            "decision_id": "7b6a", "policy_id": "acme.door.open.v1", "agent_id": "ap_one", "passport_id": "ap_one",
            "owner_id": "org", "assurance_level": "L2", "allow": true, "outcome": "allow",
            "reasons": [
                {"code": "oap.allowed", "message": "m"},
                {"code": "x", "message": "m", "details": {
                    "rule": "r", "field": "f", "actual": {"b": 1, "a": [{"d": 1, "c": 2}]},
                    "limit": 18_446_744_073_709_551_615_u64, "used": 2, "cap": 3,
                }},
            ],
            "created_at": "2026-01-02T03:04:05Z", "issued_at": "2026-01-02T03:04:05Z", "expires_in": 60,
            "expires_at": "2026-01-02T03:05:05Z",
            "passport_digest": Digest::of(b"1"), "policy_hash": Digest::of(b"2"), "context_digest": Digest::of(b"3"),
            "tool": "t", "operator_options": {"absent": "skip", "waived_rules": ["w"]}, "kid": "k", "signature": "s",
        });
        let counter = CounterKey {
            counter: "c".to_owned(),
            key: "USD".to_owned(),
            window: Window::Day,
            window_start: 0,
            window_end: 86_400,
        };
        let facts = json!({"z": 1, "y": {"b": 1, "a": 2}});
        let mut verdict = Verdict {
            decision: serde_json::from_value(decision.clone()).unwrap(),
            tool: "t".to_owned(),
            facts: facts.as_object().cloned(),
            registry: json!({"url": "u", "at": 1}).as_object().cloned(),
            charges: vec![Charge { counter, amount: 5 }],
            idempotency_key: None,
        };
        let document = serde_json::to_value(&verdict.decision).unwrap();
        assert_eq!(document, decision, "every field is there");
        let body = json!({
            "tool": "t", "decision": decision, "facts": {"trusted": true, "fields": facts},
            "charges": verdict.charges, "idempotency_key": null, "registry": {"url": "u", "at": 1},
        });
        assert_eq!(verdict.text().unwrap(), text(&body).unwrap());

        verdict.decision.allow = false;
        (verdict.facts, verdict.registry) = (None, None);
        let mut denied = decision;
        denied["allow"] = false.into();
        let body = json!({"tool": "t", "decision": denied});
        assert_eq!(verdict.text().unwrap(), text(&body).unwrap());
    }

    #[test]
    fn members_are_sorted_at_every_depth() {
        let value = json!({"b": [{"d": 1, "c": 2}], "a": {"f": null, "e": "x"}});
        assert_eq!(
            text(&value).unwrap(),
            r#"{"a":{"e":"x","f":null},"b":[{"c":2,"d":1}]}"#
        );
    }
}
