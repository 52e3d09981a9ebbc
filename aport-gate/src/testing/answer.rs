//! A tool's answer, and what a test demands of it.

use std::fmt::Write as _;

use rmcp::model::CallToolResult;
use serde_json::Value;

use crate::refusal::META_DECISION;

/// What a caller got.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    result: CallToolResult,
}

/// What an answer says about the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Allowed,
    Denied,
    Refused,
    Unknown,
}

impl From<CallToolResult> for Answer {
    fn from(result: CallToolResult) -> Self {
        Self { result }
    }
}

impl From<&Self> for Answer {
    fn from(answer: &Self) -> Self {
        answer.clone()
    }
}

impl Answer {
    /// The result, as it went over the wire.
    #[must_use]
    pub fn result(&self) -> &CallToolResult {
        &self.result
    }

    /// Its text blocks, one a line.
    #[must_use]
    pub fn text(&self) -> String {
        let blocks = self
            .result
            .content
            .iter()
            .filter_map(|block| block.as_text());
        let texts: Vec<_> = blocks.map(|block| block.text.as_str()).collect();
        texts.join("\n")
    }

    /// Its structured content, as a tool that returns `Json<T>` gives it.
    #[must_use]
    pub fn structured(&self) -> Option<&Value> {
        self.result.structured_content.as_ref()
    }

    /// The decision in `_meta["io.aport/decision"]`; null when there is none.
    #[must_use]
    pub fn decision(&self) -> &Value {
        let meta = self.result.meta.as_ref();
        meta.and_then(|meta| meta.0.get(META_DECISION))
            .unwrap_or(&Value::Null)
    }

    /// The reasons of the decision, each with `code`, `message` and perhaps `details`.
    #[must_use]
    pub fn reasons(&self) -> &[Value] {
        self.decision()
            .get("reasons")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// The codes of the reasons, in order.
    #[must_use]
    pub fn codes(&self) -> Vec<&str> {
        let codes = self.reasons().iter();
        codes
            .filter_map(|reason| reason.get("code")?.as_str())
            .collect()
    }

    /// Whether the gate let the tool run. The tool itself may still have failed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.standing() == Standing::Allowed
    }

    /// Demands that the tool ran and succeeded; see [`assert_allowed!`](super::assert_allowed).
    ///
    /// # Panics
    /// Otherwise, with the answer.
    #[track_caller]
    pub fn assert_allowed(&self) {
        let succeeded = self.result.is_error != Some(true);
        if !(self.is_allowed() && succeeded) {
            panic!("expected the tool to run and succeed, but {}", self.told());
        }
    }

    /// Demands that the policy denied with this code among its reasons, and gives that reason; see
    /// [`assert_denied!`](super::assert_denied).
    ///
    /// # Panics
    /// Otherwise, with the answer.
    #[track_caller]
    pub fn assert_denied(&self, code: &str) -> &Value {
        match self.reason(code) {
            Some(reason) if self.standing() == Standing::Denied => reason,
            _ => panic!("expected a denial with `{code}`, but {}", self.told()),
        }
    }

    /// Demands that there was no decision, with this `gate.*` code; see
    /// [`assert_refused!`](super::assert_refused).
    ///
    /// # Panics
    /// Otherwise, with the answer.
    #[track_caller]
    pub fn assert_refused(&self, code: &str) -> &Value {
        match self.reason(code) {
            Some(reason) if self.standing() == Standing::Refused => reason,
            _ => panic!("expected a refusal with `{code}`, but {}", self.told()),
        }
    }

    fn reason(&self, code: &str) -> Option<&Value> {
        let mut reasons = self.reasons().iter();
        reasons.find(|reason| reason.get("code").is_some_and(|found| found == code))
    }

    fn standing(&self) -> Standing {
        let decision = self.decision();
        let allow = decision.get("allow").and_then(Value::as_bool);
        match (allow, decision.get("decision_id")) {
            (Some(true), Some(_)) => Standing::Allowed,
            (Some(false), Some(_)) => Standing::Denied,
            (Some(false), None) => Standing::Refused,
            _ => Standing::Unknown,
        }
    }

    fn told(&self) -> String {
        let mut told = String::from(match self.standing() {
            Standing::Allowed if self.result.is_error == Some(true) => {
                "it was allowed and then failed:"
            }
            Standing::Allowed => "it was allowed:",
            Standing::Denied => "the policy denied:",
            Standing::Refused => "the call was refused without a decision:",
            Standing::Unknown => "the answer carries no decision:",
        });
        if matches!(self.standing(), Standing::Denied | Standing::Refused) {
            for reason in self.reasons() {
                let text = |name| reason.get(name).and_then(Value::as_str).unwrap_or("?");
                let _ = write!(told, "\n  {}: {}", text("code"), text("message"));
                if let Some(details) = reason.get("details") {
                    let _ = write!(told, " {details}");
                }
            }
        } else {
            for line in self.text().lines() {
                let _ = write!(told, "\n  {line}");
            }
        }
        for name in ["tool", "policy_id", "agent_id"] {
            if let Some(value) = self.decision().get(name).and_then(Value::as_str) {
                let _ = write!(told, "\n  {name}: {value}");
            }
        }
        told
    }
}
