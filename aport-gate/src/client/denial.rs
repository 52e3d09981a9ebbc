//! Why a call was refused, in a form that a program can act on.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A call that was refused before the tool's body ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Denial {
    /// Tool that was called.
    pub tool: String,
    /// Who refused.
    pub decided_by: DecidedBy,
    /// Decision that refused it; the audit record has the same id.
    pub decision_id: Option<String>,
    /// Pack that was asked.
    pub policy_id: Option<String>,
    /// Agent the gate decided about.
    pub agent_id: Option<String>,
    /// All reasons, in the order of the pack's rules.
    pub reasons: Vec<DenialReason>,
    /// What the server wrote for a reader.
    pub text: String,
    /// The idempotency key that the call was sent with, where it takes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// Who refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DecidedBy {
    /// The gate in front of the tool. There is a record of it.
    Gate,
    /// This client's own [`PreCheck`](super::PreCheck): the server was not asked and has no record.
    PreCheck,
}

impl Denial {
    /// Whether one of the reasons has this code, e.g. `oap.limit_exceeded`.
    pub fn has_code(&self, code: &str) -> bool {
        self.reasons.iter().any(|reason| reason.code == code)
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, reason) in self.reasons.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{} ({})", reason.message, reason.code)?;
        }
        if self.reasons.is_empty() {
            f.write_str("no reason given")?;
        }
        if self.decided_by == DecidedBy::PreCheck {
            f.write_str("; checked by this client, nothing was sent")?;
        }
        match &self.decision_id {
            Some(id) => write!(f, "; decision `{id}`"),
            None => Ok(()),
        }
    }
}

/// One reason of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DenialReason {
    /// `oap.*` from a policy, `gate.*` when no decision could be had.
    pub code: String,
    /// Sentence for a reader.
    #[serde(default)]
    pub message: String,
    /// What was exceeded, where the rule compares a value with a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Exceeded>,
}

/// The comparison that failed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Exceeded {
    /// Rule of the pack.
    #[serde(default)]
    pub rule: Option<String>,
    /// Context field to change, e.g. `amount`.
    #[serde(default)]
    pub field: Option<String>,
    /// The field's value, in its own unit (money: minor units).
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub actual: Value,
    /// What would have passed: the highest number still accepted (under a cap
    /// over time: what is left of it), or the list of accepted values.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub limit: Value,
    /// Under a cap over time: what earlier calls used of it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub used: Value,
    /// The cap that `used` counts against.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub cap: Value,
    /// Seconds until the same call may pass, where the decision tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Exceeded {
    /// Whether both sides are numbers, so that a smaller or larger argument
    /// could cure the denial.
    pub fn is_numeric(&self) -> bool {
        self.actual.is_number() && self.limit.is_number()
    }

    /// The argument's name: servers may write the field as a context path.
    pub(super) fn argument(&self) -> Option<&str> {
        let field = self.field.as_deref()?;
        Some(field.strip_prefix("context.").unwrap_or(field))
    }
}
