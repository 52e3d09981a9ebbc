//! What became of a call: for machines, in one shape whatever it was.

use std::process::ExitCode;

use aport_gate::{ClientError, DecidedBy, DecisionMatch, Denial, Sent, ToolReply};
use serde::Serialize;
use serde_json::{Value, json};

use crate::next_step::{after_client, after_unmatched};

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
    /// Nobody knows whether the tool ran: its answer was lost, or does not say.
    Uncertain,
    /// The tool ran, by its answer, and that does not show a decision of its gate about this call.
    Unmatched,
}

impl CallOutcome {
    /// 0: it ran. 1: it was answered otherwise. 2: it could not be made. 3: nobody knows whether it ran.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Ok => ExitCode::SUCCESS,
            Self::Denied
            | Self::CannotAdjust
            | Self::Unavailable
            | Self::ToolError
            | Self::ProtocolError
            | Self::Unmatched => ExitCode::from(1),
            Self::AccessRefused | Self::InputRequired | Self::NotSent => ExitCode::from(2),
            Self::Uncertain => ExitCode::from(3),
        }
    }

    pub(crate) fn of(error: &ClientError) -> Self {
        match error {
            ClientError::Denied(_) => Self::Denied,
            ClientError::Adjustment { .. } => Self::CannotAdjust,
            ClientError::Unavailable(_) => Self::Unavailable,
            ClientError::Tool { .. } => Self::ToolError,
            // What failed was the tool's own body, and the gate says so.
            ClientError::Protocol {
                decision: Some(_), ..
            } => Self::ToolError,
            ClientError::Protocol { .. } if !error.may_have_run() => Self::ProtocolError,
            ClientError::AccessRefused { .. } => Self::AccessRefused,
            ClientError::InputRequired { .. } => Self::InputRequired,
            error if error.may_have_run() => Self::Uncertain,
            ClientError::Deadline { last, .. } => Self::of(last),
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
    /// The arguments as they were sent last, adjustments included; null where nothing was sent.
    pub arguments: Option<Value>,
    /// The idempotency key that was sent: what to look for, where nobody knows whether it ran.
    pub idempotency_key: Option<String>,
    /// The decision about it, allow or deny: `allow`, `decision_id`, `policy_id`, `agent_id`, `reasons`.
    pub decision: Option<Value>,
    /// Of a call whose tool ran: whether that decision is one about this call.
    pub decision_match: Option<DecisionMatch>,
    /// The refusal that stands.
    pub denial: Option<Denial>,
    /// Refusals after which the arguments were adjusted, also of a call that failed then.
    pub denials: Vec<Denial>,
    /// Whether the tool may have run. Where it may and the outcome is not `ok`, look before it is called again.
    pub may_have_run: bool,
    /// What to do next, of a call that did not end well.
    pub next: Option<String>,
}

impl CallReport {
    pub(crate) fn of_reply(tool: &str, reply: &ToolReply) -> Self {
        let is_doubtful = reply.decision_match.is_doubtful();
        Self {
            outcome: match is_doubtful {
                true => CallOutcome::Unmatched,
                false => CallOutcome::Ok,
            },
            tool: tool.to_owned(),
            text: reply.text(),
            structured: reply.result.structured_content.clone(),
            arguments: Some(reply.arguments.clone().into()),
            idempotency_key: reply.idempotency_key.clone(),
            decision: reply.decision.as_ref().map(|decision| json!(decision)),
            decision_match: Some(reply.decision_match),
            denial: None,
            denials: reply.denials.clone(),
            may_have_run: true,
            next: is_doubtful.then(|| after_unmatched(reply.decision_match)),
        }
    }

    pub(crate) fn of_error(tool: &str, error: &ClientError, sent: Sent) -> Self {
        let denial = error.denial().cloned();
        let decision = match error {
            ClientError::Tool { decision, .. } | ClientError::Protocol { decision, .. } => {
                decision.as_ref().map(|decision| json!(decision))
            }
            ClientError::Contradictory { decision, .. } => Some(json!(decision)),
            _ => denial.as_ref().and_then(decision_of),
        };
        let text = match error {
            ClientError::Tool { text, .. } => text.clone(),
            ClientError::Denied(denial) | ClientError::Unavailable(denial)
                // The server's words are about this call, not about the earlier one with its key.
                if !denial.text.is_empty() && !denial.key_was_used() =>
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
            arguments: sent.arguments.map(Value::Object),
            idempotency_key: error.idempotency_key().map(str::to_owned),
            decision,
            decision_match: None,
            denial,
            denials: sent.denials,
            may_have_run: error.may_have_run(),
            next: Some(after_client(error)),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aport_gate::rmcp::service::ServiceError;

    use super::*;

    #[test]
    fn what_did_not_get_there_and_what_nobody_knows_are_no_errors_of_the_protocol() {
        let tool = || "pay".to_owned();
        let source = || Box::new(ServiceError::TransportClosed);
        let not_sent = || ClientError::NotSent {
            tool: tool(),
            source: source(),
        };
        let lost = || ClientError::Transport {
            tool: tool(),
            source: source(),
            key: None,
        };
        let after = Duration::from_secs(1);
        let deadline = |last| ClientError::Deadline {
            tool: tool(),
            after,
            last: Box::new(last),
        };
        let uncertain = ClientError::Uncertain {
            tool: tool(),
            key: None,
            earlier_start: false,
            last: Box::new(not_sent()),
        };
        let status = 401;
        for (error, outcome) in [
            (not_sent(), CallOutcome::NotSent),
            (lost(), CallOutcome::Uncertain),
            (uncertain, CallOutcome::Uncertain),
            (deadline(lost()), CallOutcome::Uncertain),
            (deadline(not_sent()), CallOutcome::NotSent),
            (
                ClientError::AccessRefused {
                    tool: tool(),
                    status,
                },
                CallOutcome::AccessRefused,
            ),
        ] {
            assert_eq!(CallOutcome::of(&error), outcome, "{error}");
        }
    }
}
