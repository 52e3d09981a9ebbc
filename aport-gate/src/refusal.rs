//! How a call that does not run is answered.

use aport_gate_oap::{Decision, Reason};
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, MetaObject};
use serde_json::{Value, json};

use crate::ledger::{BodyOutcome, Settlement};
use crate::output::Answer;
use crate::tool_pack::PackMismatch;

/// `_meta` key of every result.
pub(crate) const META_DECISION: &str = "io.aport/decision";
/// `_meta` key of an allowed call's result that is an error: what the gate takes to have happened.
pub(crate) const META_OUTCOME: &str = "io.aport/outcome";

/// Why there was no decision. Each has a `gate.*` code on the wire, apart
/// from a policy's own `oap.*` codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalCode {
    InvalidArguments,
    AgentIdMissing,
    AgentIdInvalid,
    AgentIdConflict,
    AgentIdUnauthenticated,
    InvalidContext,
    UnknownPack,
    PackDiffers,
    FactsUnavailable,
    FactsRefused,
    RedactionUnavailable,
    PassportUnreadable,
    LedgerUnavailable,
    Timeout,
    Cancelled,
    /// A registry gave no decision that counts, by its own code.
    #[cfg(feature = "registry")]
    Registry(&'static str),
}

impl RefusalCode {
    fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArguments => "gate.invalid_arguments",
            Self::AgentIdMissing => "gate.agent_id_missing",
            Self::AgentIdInvalid => "gate.agent_id_invalid",
            Self::AgentIdConflict => "gate.agent_id_conflict",
            Self::AgentIdUnauthenticated => "gate.agent_id_unauthenticated",
            Self::InvalidContext => "gate.invalid_context",
            Self::UnknownPack => "gate.unknown_pack",
            Self::PackDiffers => "gate.pack_differs",
            Self::FactsUnavailable => "gate.facts_unavailable",
            Self::FactsRefused => "gate.facts_refused",
            Self::RedactionUnavailable => "gate.redaction_unavailable",
            Self::PassportUnreadable => "gate.passport_unreadable",
            Self::LedgerUnavailable => "gate.ledger_unavailable",
            Self::Timeout => "gate.timeout",
            Self::Cancelled => "gate.cancelled",
            #[cfg(feature = "registry")]
            Self::Registry(code) => code,
        }
    }
}

impl RefusalCode {
    /// What is told, instead of the message, to somebody who does not share this machine with the server:
    /// such messages name its files, its registry and its settings.
    fn told_to_strangers(self) -> Option<&'static str> {
        match self {
            Self::LedgerUnavailable => {
                Some("the server's ledger cannot be used; the server's log says why")
            }
            #[cfg(feature = "registry")]
            Self::Registry(
                "gate.registry_setup"
                | "gate.registry_unreachable"
                | "gate.registry_tls"
                | "gate.registry_unauthorized"
                | "gate.registry_redirect"
                | "gate.signing_keys_unavailable",
            ) => Some("the server cannot ask its registry; the server's log says why"),
            _ => None,
        }
    }
}

/// A call that is refused without a decision.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: RefusalCode,
    message: String,
    /// For log and record only.
    detail: Option<String>,
}

impl Refusal {
    pub(crate) fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: one_line(&message.into()),
            detail: None,
        }
    }

    /// Adds what the caller does not read.
    pub(crate) fn with_detail(mut self, detail: &str) -> Self {
        self.detail = Some(one_line(detail));
        self
    }

    /// As somebody who does not share this machine with the server may read it; log and record have it whole.
    pub(crate) fn for_strangers(mut self) -> Self {
        if let Some(message) = self.code.told_to_strangers() {
            self.message = message.to_owned();
        }
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code.as_str()
    }

    #[cfg(any(test, feature = "cli", feature = "testing"))]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The message as log and record have it.
    pub(crate) fn recorded_message(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.message),
            None => self.message.clone(),
        }
    }

    /// The answer on the wire (design, section 7).
    pub(crate) fn into_result(self, pack: &str) -> CallToolResult {
        let mut result = CallToolResult::error(vec![ContentBlock::text(format!(
            "Policy check failed: {}\nThe tool was not run.",
            self.message
        ))]);
        attach(
            &mut result,
            json!({
                "allow": false,
                "policy_id": pack,
                "reasons": [{ "code": self.code.as_str(), "message": self.message }],
            }),
        );
        result
    }
}

impl From<PackMismatch> for Refusal {
    fn from(mismatch: PackMismatch) -> Self {
        let code = match mismatch {
            PackMismatch::Unknown(_) => RefusalCode::UnknownPack,
            PackMismatch::Differs { .. } | PackMismatch::Broken { .. } => RefusalCode::PackDiffers,
        };
        Self::new(code, mismatch.to_string())
    }
}

/// Longest message of a refusal, in characters.
const LONGEST_MESSAGE: usize = 500;

// A message quotes what the caller sent. It must not grow with it, nor forge a
// line of the answer or of the log.
fn one_line(message: &str) -> String {
    let clean = |c: char| {
        let invisible = c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if invisible { ' ' } else { c }
    };
    let mut line: String = message.chars().take(LONGEST_MESSAGE).map(clean).collect();
    if message.chars().nth(LONGEST_MESSAGE).is_some() {
        line.push('…');
    }
    line
}

/// The answer to a call that a policy denies.
pub(crate) fn denial(decision: &Decision) -> CallToolResult {
    let messages: Vec<&str> = decision.reasons.iter().map(reason_text).collect();
    // No `structuredContent`: a declared output schema would make a strict
    // client reject the whole message and lose the reasons.
    let mut result = CallToolResult::error(vec![ContentBlock::text(format!(
        "Policy denied: {}\nDecision ID: {}",
        messages.join(", "),
        decision.decision_id
    ))]);
    attach_decision(&mut result, decision);
    result
}

fn reason_text(reason: &Reason) -> &str {
    if reason.message.is_empty() {
        &reason.code
    } else {
        &reason.message
    }
}

/// Puts the decision into an answer of any kind.
pub(crate) fn attach_to_answer(answer: &mut Answer, decision: &Decision) {
    match answer {
        Ok(CallToolResponse::Complete(result)) => attach_decision(result, decision),
        // A question back and a task have their own form; the audit record has the decision.
        Ok(_) => {}
        Err(error) => {
            let data = error.data.get_or_insert_with(|| json!({}));
            if let (Value::Object(data), Ok(decision)) = (data, serde_json::to_value(decision)) {
                data.insert(META_DECISION.to_owned(), decision);
            }
        }
    }
}

/// Puts the decision into a result, over anything of that key in it.
pub(crate) fn attach_decision(result: &mut CallToolResult, decision: &Decision) {
    let value = serde_json::to_value(decision).unwrap_or_else(
        |_| json!({ "decision_id": decision.decision_id, "allow": decision.allow }),
    );
    attach(result, value);
}

fn attach(result: &mut CallToolResult, decision: Value) {
    result
        .meta
        .get_or_insert_with(MetaObject::new)
        .0
        .insert(META_DECISION.to_owned(), decision);
}

/// Tells in an error of the body whether anything may have been executed, so that a caller knows whether to look
/// before it does the same again. A result that is no error says it by itself.
pub(crate) fn attach_outcome(answer: &mut Answer, outcome: BodyOutcome, settlement: Settlement) {
    let told = json!({ "outcome": outcome.name(), "reservation": settlement.state() });
    match answer {
        Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => {
            let meta = result.meta.get_or_insert_with(MetaObject::new);
            meta.0.insert(META_OUTCOME.to_owned(), told);
        }
        Ok(_) => {}
        Err(error) => {
            let data = error.data.get_or_insert_with(|| json!({}));
            if let Value::Object(data) = data {
                data.insert(META_OUTCOME.to_owned(), told);
            }
        }
    }
}
