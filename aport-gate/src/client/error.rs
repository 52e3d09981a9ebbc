//! What can go wrong with a call, by what the caller should do about it.

use std::time::Duration;

use rmcp::service::ServiceError;

use super::listing::LIST_METHOD;
use super::received::{decision_in, line};
use super::unsent::Unsent;
use super::wording::{at_last, earlier, protocol, told, traces, unanswered, unknown};
use super::{DecisionSummary, Denial};

/// Why a call to a gated tool gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The agent id has no valid form.
    #[error(
        "agent id `{0}` is not valid: use `ap_` followed by 1 to 128 letters, digits or underscores, or a UUID"
    )]
    InvalidAgentId(String),

    /// What was set up cannot be used.
    #[error("{0}")]
    Setup(String),

    /// There is no connection, and none could be made. Nothing was sent.
    #[error("no connection to the server: {0}")]
    Connect(String),

    /// The policy denied, and this call did not run the tool. Where
    /// [`key_was_used`](Denial::key_was_used), an earlier one with the same key may have.
    #[error("policy denied `{}`: {_0}{}", _0.tool, earlier(_0))]
    Denied(Box<Denial>),

    /// No decision could be had, so this call did not run the tool.
    #[error("policy check for `{}` failed, the tool was not run: {_0}{}", _0.tool, earlier(_0))]
    Unavailable(Box<Denial>),

    /// The tool reported an error of its own. Whether anything was done before it,
    /// [`DecisionSummary::nothing_executed`] says where the server knows.
    #[error("tool `{tool}` failed: {text}{}", traces(decision.as_deref(), key.as_deref()))]
    Tool {
        /// Tool that was called.
        tool: String,
        /// The tool's error text.
        text: String,
        /// The decision that allowed the call; `None` from an ungated tool.
        decision: Option<Box<DecisionSummary>>,
        /// The idempotency key that was sent.
        key: Option<String>,
    },

    /// The server answered with a result beside a decision that denied it. Both cannot be: the tool may have
    /// run. Look, before anything is done again.
    #[error(
        "`{tool}` answered with a result beside a decision that denied it, so it is unknown whether it ran{}",
        traces(Some(decision), key.as_deref())
    )]
    Contradictory {
        /// Tool that was called.
        tool: String,
        /// What the result says to a reader.
        text: String,
        /// The decision that came with it.
        decision: Box<DecisionSummary>,
        /// The idempotency key that was sent.
        key: Option<String>,
    },

    /// The server answered with an error of the protocol: it refused the request itself, as there is no such
    /// tool, or, where [`may_have_run`](Self::may_have_run), something failed on the way or in the tool.
    #[error("{} (JSON-RPC {code}){}", protocol(tool, message, self.may_have_run()), traces(decision.as_deref(), key.as_deref()))]
    Protocol {
        /// Tool that was called, or the MCP method.
        tool: String,
        /// JSON-RPC error code.
        code: i32,
        /// The server's message.
        message: String,
        /// The decision that had allowed the call, where the tool's own body answered with this error.
        decision: Option<Box<DecisionSummary>>,
        /// The idempotency key that was sent.
        key: Option<String>,
    },

    /// The connection failed, or took too long. It is unknown whether the tool ran: repeat only
    /// a call that cannot execute twice.
    #[error(
        "connection failed during `{tool}`, so {}: {}{}",
        unanswered(self.may_have_run()),
        told(source),
        traces(None, key.as_deref())
    )]
    Transport {
        /// Tool that was called, or the MCP method.
        tool: String,
        /// rmcp's error.
        source: Box<ServiceError>,
        /// The idempotency key that was sent.
        key: Option<String>,
    },

    /// The server does not let this client in: it wants a valid access token, or another one. The tool was
    /// not run.
    #[error("the server refused access to `{tool}` (HTTP status {status}); check the access token")]
    AccessRefused {
        /// Tool that was called, or the MCP method.
        tool: String,
        /// HTTP status, 401 or 403.
        status: u16,
    },

    /// The request did not get to the server: no connection, or a session that is over. The tool was not run.
    #[error(
        "`{tool}` did not get to the server, so it did not run: {}",
        told(source)
    )]
    NotSent {
        /// Tool that was called, or the MCP method.
        tool: String,
        /// rmcp's error.
        source: Box<ServiceError>,
    },

    /// The answer to an attempt was lost and no later attempt succeeded, or the intention's key was used
    /// already: the request arrived twice, or another process carried it out. Or the intention is
    /// [resumed](super::Intention::is_resumed), and was not carried out now. It is unknown whether the tool
    /// ran; where the key was used, it most likely did. Look, before anything is done again.
    #[error(
        "{}, so it is unknown whether it ran; at last: {}",
        unknown(tool, key.as_deref(), *earlier_start, last),
        at_last(last)
    )]
    Uncertain {
        /// Tool that was called.
        tool: String,
        /// The idempotency key of all attempts: what to look for.
        key: Option<String>,
        /// Whether the intention is of an earlier start of the program, which may have carried it out.
        earlier_start: bool,
        /// What the last attempt ended in.
        last: Box<ClientError>,
    },

    /// An earlier start of the program may have carried the intention out, and nothing keeps a second call from
    /// doing it again: the tool's policy allows no key once, or the server no longer has the tool. So this start
    /// sent nothing. It comes as the `last` of an [`Uncertain`](Self::Uncertain).
    #[error("nothing was sent now, as nothing keeps a second call of `{tool}` from doing it again")]
    NotRepeated {
        /// Tool that was to be called.
        tool: String,
    },

    /// The time for the whole call was over.
    #[error("`{tool}` did not succeed within {} ms; at last: {last}", after.as_millis())]
    Deadline {
        /// Tool that was called.
        tool: String,
        /// The time that was given.
        after: Duration,
        /// What the last attempt ended in.
        last: Box<ClientError>,
    },

    /// The server answered with a question or a task instead of a result.
    /// Answer it through [`PassportClient::peer`](super::PassportClient::peer).
    #[error("tool `{tool}` wants further input before it runs; answer it through the rmcp peer")]
    InputRequired {
        /// Tool that was called.
        tool: String,
    },

    /// The retry strategy does not fit the arguments; the denial stands.
    #[error("cannot adjust argument `{field}` of `{}`: {problem}", denial.tool)]
    Adjustment {
        /// Argument the strategy wanted to change.
        field: String,
        /// What is wrong with it.
        problem: String,
        /// The denial that asked for the adjustment.
        denial: Box<Denial>,
    },
}

/// JSON-RPC: no JSON, no request, no such method, wrong parameters. With any other code a server or a gateway
/// may tell of a tool that did run, such as with an internal error or that it took too long.
const NEVER_RUN: [i32; 4] = [-32700, -32600, -32601, -32602];

impl ClientError {
    /// The refusal behind this error, where the gate refused.
    pub fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Denied(denial) | Self::Unavailable(denial) | Self::Adjustment { denial, .. } => {
                Some(denial)
            }
            Self::Uncertain { last, .. } | Self::Deadline { last, .. } => last.denial(),
            _ => None,
        }
    }

    /// Whether the tool's body may have run, as far as this client knows. A caller must not simply call again
    /// where it may.
    pub fn may_have_run(&self) -> bool {
        match self {
            // Asking for the tools runs none.
            Self::Protocol { tool, .. } | Self::Transport { tool, .. } if tool == LIST_METHOD => {
                false
            }
            Self::Transport { .. }
            | Self::Uncertain { .. }
            | Self::InputRequired { .. }
            | Self::Contradictory { .. } => true,
            Self::Tool { decision, .. } => !decision
                .as_ref()
                .is_some_and(|decision| decision.nothing_executed),
            Self::Protocol { code, decision, .. } => match decision {
                Some(decision) => decision.allow && !decision.nothing_executed,
                None => !NEVER_RUN.contains(code),
            },
            Self::Deadline { last, .. } => last.may_have_run(),
            // Not by this call, but by another one with the same key.
            Self::Denied(denial) | Self::Unavailable(denial) | Self::Adjustment { denial, .. } => {
                denial.key_was_used()
            }
            Self::InvalidAgentId(_)
            | Self::Setup(_)
            | Self::Connect(_)
            | Self::NotSent { .. }
            | Self::NotRepeated { .. }
            | Self::AccessRefused { .. } => false,
        }
    }

    /// The idempotency key that was sent with the call, where it takes one: the caller's, or its intention's.
    /// What became of the call can be looked for by it.
    pub fn idempotency_key(&self) -> Option<&str> {
        match self {
            Self::Denied(denial) | Self::Unavailable(denial) | Self::Adjustment { denial, .. } => {
                denial.idempotency_key.as_deref()
            }
            Self::Tool { key, .. }
            | Self::Contradictory { key, .. }
            | Self::Protocol { key, .. }
            | Self::Transport { key, .. }
            | Self::Uncertain { key, .. } => key.as_deref(),
            Self::Deadline { last, .. } => last.idempotency_key(),
            _ => None,
        }
    }

    /// The decision about the call, where the server told one: the audit record has the same id. Of a call whose
    /// key was used it is the one that refused; that of the earlier call is found by its key.
    pub fn decision_id(&self) -> Option<&str> {
        match self {
            Self::Tool { decision, .. } | Self::Protocol { decision, .. } => {
                decision.as_ref()?.decision_id.as_deref()
            }
            Self::Contradictory { decision, .. } => decision.decision_id.as_deref(),
            Self::Uncertain { last, .. } | Self::Deadline { last, .. } => last.decision_id(),
            other => other.denial()?.decision_id.as_deref(),
        }
    }

    /// As it was sent with this key.
    pub(super) fn sent_with(mut self, sent: Option<&str>) -> Self {
        let Some(sent) = sent else { return self };
        match &mut self {
            Self::Denied(denial) | Self::Unavailable(denial) | Self::Adjustment { denial, .. } => {
                denial.idempotency_key = Some(sent.to_owned());
            }
            Self::Tool { key, .. }
            | Self::Contradictory { key, .. }
            | Self::Protocol { key, .. }
            | Self::Transport { key, .. }
            | Self::Uncertain { key, .. } => *key = Some(sent.to_owned()),
            _ => {}
        }
        self
    }

    pub(super) fn from_service(tool: &str, error: ServiceError) -> Self {
        let tool = tool.to_owned();
        match error {
            ServiceError::McpError(error) => Self::Protocol {
                tool,
                code: error.code.0,
                decision: decision_in(error.data.as_ref()).map(Box::new),
                message: line(&error.message, 1000),
                key: None,
            },
            other => {
                let source = Box::new(other);
                match super::unsent::never_sent(&source) {
                    Some(Unsent::Refused(status)) => Self::AccessRefused { tool, status },
                    Some(Unsent::Away) => Self::NotSent { tool, source },
                    None => Self::Transport {
                        tool,
                        source,
                        key: None,
                    },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_that_could_not_be_taken_surely_did_not_run() {
        let told = |code| ClientError::Protocol {
            tool: "pay".to_owned(),
            code,
            message: String::new(),
            decision: None,
            key: None,
        };
        for code in NEVER_RUN {
            assert!(!told(code).may_have_run(), "{code}");
        }
        for code in [-32603, -32000, -32001, -32800, 0, 1] {
            assert!(told(code).may_have_run(), "{code}");
        }
    }
}
