//! What became of a call: for machines, in one shape whatever it was.

use std::process::ExitCode;

use aport_gate::{ClientError, DecidedBy, Denial, ToolReply};
use serde::Serialize;
use serde_json::{Value, json};

use crate::next_step::after_client;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallOutcome {
    /// The tool ran, and this is its result.
    Ok,
    /// The policy denied.
    Denied,
    /// The policy denied, and the arguments cannot be adjusted as was asked.
    CannotAdjust,
    /// No decision could be had.
    Unavailable,
    /// It was allowed, or nothing guards it, and the tool itself failed.
    ToolError,
    /// The server refused the request itself, such as one of a tool that it does not have.
    ProtocolError,
    /// The server does not let this client in.
    AccessRefused,
    /// The server asks something first, which this command cannot answer.
    InputRequired,
    /// It did not get to the server.
    NotSent,
    /// Its answer was lost: nobody knows whether the tool ran.
    Lost,
}

impl CallOutcome {
    /// 0: it ran. 1: it was answered otherwise. 2: there was no answer to it.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Ok => ExitCode::SUCCESS,
            Self::Denied
            | Self::CannotAdjust
            | Self::Unavailable
            | Self::ToolError
            | Self::ProtocolError => ExitCode::from(1),
            Self::AccessRefused | Self::InputRequired | Self::NotSent | Self::Lost => {
                ExitCode::from(2)
            }
        }
    }

    pub(crate) fn of(error: &ClientError) -> Self {
        match error {
            ClientError::Denied(_) => Self::Denied,
            ClientError::Adjustment { .. } => Self::CannotAdjust,
            ClientError::Unavailable(_) => Self::Unavailable,
            ClientError::Tool { .. } => Self::ToolError,
            ClientError::Protocol { .. } => Self::ProtocolError,
            ClientError::AccessRefused { .. } => Self::AccessRefused,
            ClientError::InputRequired { .. } => Self::InputRequired,
            error if error.may_have_run() => Self::Lost,
            _ => Self::NotSent,
        }
    }
}

/// What became of a call. Every field is there whatever the outcome; what does not apply is null, or empty.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CallReport {
    /// How it ended.
    pub outcome: CallOutcome,
    /// Tool that was called.
    pub tool: String,
    /// What the server says to a reader; where it says nothing, what went wrong.
    pub text: String,
    /// What the tool gave besides, as data.
    pub structured: Option<Value>,
    /// The arguments with which it ran, adjustments included.
    pub arguments: Option<Value>,
    /// The decision about it, allow or deny: `allow`, `decision_id`, `policy_id`, `agent_id`, `reasons`.
    pub decision: Option<Value>,
    /// The refusal that stands.
    pub denial: Option<Denial>,
    /// Refusals after which the arguments were adjusted.
    pub denials: Vec<Denial>,
    /// Whether the tool may have run. Where it may and the outcome is not `ok`, look before it is called again.
    pub may_have_run: bool,
    /// What to do next, of a call that did not end well.
    pub next: Option<String>,
}

impl CallReport {
    pub(crate) fn of_reply(tool: &str, reply: &ToolReply) -> Self {
        Self {
            outcome: CallOutcome::Ok,
            tool: tool.to_owned(),
            text: reply.text(),
            structured: reply.result.structured_content.clone(),
            arguments: Some(reply.arguments.clone().into()),
            decision: reply.decision.as_ref().map(|decision| json!(decision)),
            denial: None,
            denials: reply.denials.clone(),
            may_have_run: true,
            next: None,
        }
    }

    pub(crate) fn of_error(tool: &str, error: &ClientError) -> Self {
        let denial = error.denial().cloned();
        let decision = match error {
            ClientError::Tool { decision, .. } | ClientError::Protocol { decision, .. } => {
                decision.as_ref().map(|decision| json!(decision))
            }
            _ => denial.as_ref().and_then(decision_of),
        };
        let text = match error {
            ClientError::Tool { text, .. } => text.clone(),
            ClientError::Denied(denial) | ClientError::Unavailable(denial)
                if !denial.text.is_empty() =>
            {
                denial.text.clone()
            }
            other => other.to_string(),
        };
        Self {
            outcome: CallOutcome::of(error),
            tool: tool.to_owned(),
            text,
            structured: None,
            arguments: None,
            decision,
            denial,
            denials: Vec::new(),
            may_have_run: error.may_have_run(),
            next: Some(after_client(error).to_owned()),
        }
    }
}

/// The gate's decision behind a refusal; a check of the client's own is none.
fn decision_of(denial: &Denial) -> Option<Value> {
    (denial.decided_by == DecidedBy::Gate).then(|| {
        json!({
            "allow": false, "decision_id": denial.decision_id, "policy_id": denial.policy_id,
            "agent_id": denial.agent_id, "reasons": denial.reasons,
        })
    })
}
