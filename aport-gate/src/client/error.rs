//! What can go wrong with a call, by what the caller should do about it.

use rmcp::service::ServiceError;

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

    /// The policy denied. The tool was not run.
    #[error("policy denied `{}`: {_0}", _0.tool)]
    Denied(Box<Denial>),

    /// No decision could be had. The tool was not run.
    #[error("policy check for `{}` failed, the tool was not run: {_0}", _0.tool)]
    Unavailable(Box<Denial>),

    /// The tool reported an error of its own.
    #[error("tool `{tool}` failed: {text}")]
    Tool {
        /// Tool that was called.
        tool: String,
        /// The tool's error text.
        text: String,
        /// The decision that allowed the call; `None` from an ungated tool.
        decision: Option<Box<DecisionSummary>>,
    },

    /// The server refused the request itself: no such tool, malformed request.
    #[error("server refused the request `{tool}`: {message} (JSON-RPC {code})")]
    Protocol {
        /// Tool that was called, or the MCP method.
        tool: String,
        /// JSON-RPC error code.
        code: i32,
        /// The server's message.
        message: String,
    },

    /// The connection failed. It is unknown whether the tool ran: repeat only
    /// a call that cannot execute twice.
    #[error("connection failed during `{tool}`, so it is unknown whether it ran: {source}")]
    Transport {
        /// Tool that was called, or the MCP method.
        tool: String,
        /// rmcp's error.
        source: Box<ServiceError>,
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

impl ClientError {
    /// The refusal behind this error, where the gate refused.
    pub fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Denied(denial) | Self::Unavailable(denial) | Self::Adjustment { denial, .. } => {
                Some(denial)
            }
            _ => None,
        }
    }

    pub(super) fn from_service(tool: &str, error: ServiceError) -> Self {
        let tool = tool.to_owned();
        match error {
            ServiceError::McpError(error) => Self::Protocol {
                tool,
                code: error.code.0,
                message: error.message.into_owned(),
            },
            other => Self::Transport {
                tool,
                source: Box::new(other),
            },
        }
    }
}
