//! The calls that a gate under test has seen, as its ledger has them.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::rig::Rig;
use crate::ledger::AuditRecord;
use crate::oap::{AgentId, Decision, Digest};

/// One call, from what was asked to what became of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedCall {
    /// Name of the tool.
    pub tool: String,
    /// Id of the pack.
    pub pack: String,
    /// The agent; none for a call that was refused.
    pub agent: Option<AgentId>,
    /// What the rules saw; none for a call that was refused.
    pub context: Option<Map<String, Value>>,
    /// SHA-256 of that context.
    pub context_digest: Option<Digest>,
    /// The decision; none for a call that was refused.
    pub decision: Option<Decision>,
    /// Codes of the decision's reasons, or of the refusal.
    pub codes: Vec<String>,
    /// What became of the body.
    pub outcome: CallOutcome,
}

/// What became of the body of a [`RecordedCall`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOutcome {
    /// The policy denied: the body was not reached.
    Denied,
    /// There was no decision: the body was not reached.
    Refused,
    /// It runs, or its outcome was not recorded.
    Running,
    /// It returned a result, and what it took from the caps is spent.
    Ok,
    /// It returned an error.
    Error {
        /// Whether what it took from the caps was given back.
        released: bool,
    },
    /// It panicked; what it took from the caps stays taken.
    Panicked,
    /// It was dropped before it ended; what it took from the caps stays taken if it had begun.
    Abandoned,
}

pub(super) fn read(records: Vec<AuditRecord>, rig: &Rig) -> Vec<RecordedCall> {
    let mut calls: Vec<(Option<String>, RecordedCall)> = Vec::new();
    for record in records {
        let AuditRecord {
            kind,
            decision_id,
            body,
            ..
        } = record;
        match kind.as_str() {
            "decision" => {
                let call = decided(&body, decision_id.as_deref(), rig);
                calls.push((decision_id, call));
            }
            "refusal" => calls.push((None, refused(&body))),
            "outcome" => {
                let call = calls
                    .iter_mut()
                    .find(|(id, _)| id.is_some() && *id == decision_id);
                if let Some((_, call)) = call {
                    call.outcome = outcome(&body);
                }
            }
            _ => {}
        }
    }
    calls.into_iter().map(|(_, call)| call).collect()
}

fn decided(body: &Value, decision_id: Option<&str>, rig: &Rig) -> RecordedCall {
    let decision: Option<Decision> = field(body, "decision");
    let allow = decision.as_ref().is_some_and(|decision| decision.allow);
    let codes = decision.iter().flat_map(|decision| &decision.reasons);
    RecordedCall {
        tool: field(body, "tool").unwrap_or_default(),
        pack: decision
            .as_ref()
            .map(|decision| decision.policy_id.to_string())
            .unwrap_or_default(),
        agent: decision.as_ref().map(|decision| decision.agent_id.clone()),
        context: decision_id.and_then(|id| rig.context(id)),
        context_digest: decision.as_ref().map(|decision| decision.context_digest),
        codes: codes.map(|reason| reason.code.clone()).collect(),
        decision,
        outcome: if allow {
            CallOutcome::Running
        } else {
            CallOutcome::Denied
        },
    }
}

fn refused(body: &Value) -> RecordedCall {
    RecordedCall {
        tool: field(body, "tool").unwrap_or_default(),
        pack: field(body, "policy_id").unwrap_or_default(),
        agent: None,
        context: None,
        context_digest: None,
        decision: None,
        codes: field(body, "code").into_iter().collect(),
        outcome: CallOutcome::Refused,
    }
}

fn outcome(body: &Value) -> CallOutcome {
    let text = |name| body.get(name).and_then(Value::as_str);
    match text("outcome") {
        Some("ok") => CallOutcome::Ok,
        Some("error") => CallOutcome::Error {
            released: text("reservation") == Some("released"),
        },
        Some("panicked") => CallOutcome::Panicked,
        Some("abandoned") => CallOutcome::Abandoned,
        _ => CallOutcome::Running,
    }
}

fn field<T: DeserializeOwned>(body: &Value, name: &str) -> Option<T> {
    serde_json::from_value(body.get(name)?.clone()).ok()
}
