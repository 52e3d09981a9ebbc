//! A tool's result and the decision that travels with it.

use rmcp::model::{CallToolResult, JsonObject};
use serde::{Deserialize, Serialize};

use super::denial::DecidedBy;
use super::received::{decision_of, line};
use super::{ClientError, Denial, DenialReason};

/// Longest text of a refusal that is kept, in characters.
const LONGEST_TEXT: usize = 20_000;

/// A result of a tool that ran.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ToolReply {
    /// rmcp's result, content and all.
    pub result: CallToolResult,
    /// The decision that allowed the call; `None` from an ungated tool.
    pub decision: Option<DecisionSummary>,
    /// Whether that decision is one about this call.
    pub decision_match: DecisionMatch,
    /// Arguments as they were sent, adjustments included.
    pub arguments: JsonObject,
    /// The idempotency key that was sent, where the tool takes one.
    pub idempotency_key: Option<String>,
    /// Denials that earlier attempts met before this one was allowed.
    pub denials: Vec<Denial>,
    /// Attempts in all, this one included.
    pub attempts: u32,
}

impl ToolReply {
    /// The result's text blocks, one a line.
    pub fn text(&self) -> String {
        text(&self.result)
    }
}

/// Whether the decision that travels with a result is one about the call that was made, by the server's own
/// listing. Nothing here is signed: a match says that the server is not mistaken, not that it is honest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DecisionMatch {
    /// It allows, and names this client's agent and the pack that guards the tool.
    Matches,
    /// The listing names a pack, and there is no decision, or one that does not say about whom and by what.
    Missing,
    /// It is about another agent, or by another pack.
    Foreign,
    /// The listing names no pack, and there is no decision.
    Ungated,
}

impl DecisionMatch {
    /// `pack`: what guards the tool by the listing.
    pub(super) fn of(
        decision: Option<&DecisionSummary>,
        pack: Option<&str>,
        agent_id: &str,
    ) -> Self {
        let Some(decision) = decision else {
            return match pack {
                Some(_) => Self::Missing,
                None => Self::Ungated,
            };
        };
        let agent = decision.agent_id.as_deref();
        let agent = agent.map(|agent| is_same(agent, agent_id));
        let policy = decision.policy_id.as_deref();
        // Which pack it has to be, an unlisted tool does not say.
        let policy = policy.map(|policy| pack.is_none_or(|pack| policy == pack));
        match (agent, policy) {
            (Some(false), _) | (_, Some(false)) => Self::Foreign,
            (Some(true), Some(true)) => Self::Matches,
            _ => Self::Missing,
        }
    }

    /// Whether a gate is claimed that this answer does not show at work.
    pub fn is_doubtful(self) -> bool {
        matches!(self, Self::Missing | Self::Foreign)
    }
}

/// What `_meta["io.aport/decision"]` says about a call. Received, not verified:
/// it informs the caller, and the server has already acted on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DecisionSummary {
    /// Whether the call was allowed.
    pub allow: bool,
    /// Id of the decision and of its audit record.
    #[serde(default)]
    pub decision_id: Option<String>,
    /// Pack that was asked.
    #[serde(default)]
    pub policy_id: Option<String>,
    /// Agent the gate decided about.
    #[serde(default)]
    pub agent_id: Option<String>,
    /// Reasons, in the order of the pack's rules.
    #[serde(default)]
    pub reasons: Vec<DenialReason>,
    /// Of an error of the tool: the server says that nothing was executed, and has given back what the call took.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nothing_executed: bool,
}

/// One UUID may be written in two ways.
fn is_same(agent: &str, other: &str) -> bool {
    let uuid = |id| uuid::Uuid::try_parse(id).ok();
    agent == other || uuid(agent).is_some_and(|agent| Some(agent) == uuid(other))
}

pub(super) fn read(
    tool: &str,
    arguments: JsonObject,
    result: CallToolResult,
) -> Result<ToolReply, ClientError> {
    match decision_of(&result) {
        // A gate marks each of its refusals as an error.
        Some(decision) if !decision.allow && result.is_error != Some(true) => {
            Err(ClientError::Contradictory {
                tool: tool.to_owned(),
                text: text(&result),
                decision: Box::new(decision),
                key: None,
            })
        }
        Some(decision) if !decision.allow => Err(refused(tool, decision, text(&result))),
        decision if result.is_error == Some(true) => Err(ClientError::Tool {
            tool: tool.to_owned(),
            text: text(&result),
            decision: decision.map(Box::new),
            key: None,
        }),
        decision => Ok(ToolReply {
            result,
            decision_match: DecisionMatch::Ungated,
            decision,
            arguments,
            idempotency_key: None,
            denials: Vec::new(),
            attempts: 1,
        }),
    }
}

/// A refusal whose every reason is the gate's own is no policy's verdict.
fn refused(tool: &str, decision: DecisionSummary, text: String) -> ClientError {
    let undecided = !decision.reasons.is_empty()
        && decision
            .reasons
            .iter()
            .all(|reason| reason.code.starts_with("gate."));
    let denial = Box::new(Denial {
        tool: tool.to_owned(),
        decided_by: DecidedBy::Gate,
        decision_id: decision.decision_id,
        policy_id: decision.policy_id,
        agent_id: decision.agent_id,
        reasons: decision.reasons,
        text: text
            .lines()
            .take(100)
            .map(|part| line(part, LONGEST_TEXT))
            .collect::<Vec<_>>()
            .join("\n"),
        idempotency_key: None,
    });
    if undecided {
        ClientError::Unavailable(denial)
    } else {
        ClientError::Denied(denial)
    }
}

fn text(result: &CallToolResult) -> String {
    let blocks = result.content.iter().filter_map(|block| block.as_text());
    blocks
        .map(|block| block.text.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}
