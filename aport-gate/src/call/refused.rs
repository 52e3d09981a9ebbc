//! Calls that end before there is a decision, each with its record.

use std::fmt::Display;

use aport_gate_oap::AgentId;
use rmcp::model::CallToolResult;
use serde_json::json;
use tracing::Span;

use super::Incoming;
use crate::facts::FactsError;
use crate::gate::{Gate, GateInner};
use crate::output::Answer;
use crate::redaction::Secrets;
use crate::refusal::{Refusal, RefusalCode};

pub(super) async fn refuse(
    gate: &Gate,
    incoming: &Incoming,
    agent: Option<&AgentId>,
    refusal: Refusal,
) -> Answer {
    Ok(recorded_refusal(&gate.inner, incoming, agent, refusal)
        .await
        .into())
}

pub(super) async fn refused(
    gate: &Gate,
    incoming: &Incoming,
    agent: &AgentId,
    refusal: Refusal,
) -> Box<CallToolResult> {
    Box::new(recorded_refusal(&gate.inner, incoming, Some(agent), refusal).await)
}

async fn recorded_refusal(
    gate: &GateInner,
    incoming: &Incoming,
    agent: Option<&AgentId>,
    refusal: Refusal,
) -> CallToolResult {
    Span::current().record("refused", refusal.code());
    tracing::warn!(
        tool = incoming.tool.name,
        pack = incoming.tool.pack.id,
        agent = agent.map(AgentId::as_str),
        code = refusal.code(),
        problem = ?refusal.recorded_message(),
        "refused"
    );
    let mut record = json!({
        "tool": incoming.tool.name,
        "policy_id": incoming.tool.pack.id,
        "code": refusal.code(),
        "message": refusal.recorded_message(),
    });
    if let (Some(agent), Some(members)) = (agent, record.as_object_mut()) {
        members.insert("agent_id".to_owned(), agent.as_str().into());
    }
    // The call is refused whether or not the refusal can be recorded.
    let recording = tokio::time::timeout(gate.timeout, gate.ledger.refuse(record)).await;
    if !matches!(recording, Ok(Ok(()))) {
        tracing::error!("the refusal could not be recorded");
    }
    refusal.into_result(incoming.tool.pack.id)
}

pub(super) fn cancelled() -> Refusal {
    Refusal::new(RefusalCode::Cancelled, "the call was cancelled")
}

pub(super) fn invalid(message: &str) -> Refusal {
    Refusal::new(RefusalCode::InvalidContext, message)
}

/// `secrets` where the tool redacts: what else an error quotes, cut or escaped, nobody can tell. Its text
/// is kept only where its author wrote it for the caller, and it quotes none of them.
pub(super) fn facts_failed(error: &FactsError, secrets: Option<&Secrets>) -> Refusal {
    let text = error.to_string();
    match (error.is_for_caller(), secrets) {
        (true, None) => no_facts(&format!(": {text}")),
        (true, Some(secrets)) if !secrets.quoted_in(&text) => no_facts(&format!(": {text}")),
        (false, None) => no_facts("").with_detail(&text),
        (_, Some(_)) => no_facts("; why is not kept, since the tool redacts arguments"),
    }
}

/// The tool redacts a name that is neither an argument's nor a fact's, so nothing is redacted.
pub(super) fn redacts_nothing(field: &str) -> Refusal {
    invalid(&format!(
        "the tool redacts `{field}`, which neither its arguments nor its facts have under that name"
    ))
}

/// The caller has nothing to do with keys.
pub(super) fn no_redaction(error: &dyn Display) -> Refusal {
    let message = "the key for redacted values cannot be used; the server's log says why";
    Refusal::new(RefusalCode::RedactionUnavailable, message).with_detail(&error.to_string())
}

pub(super) fn no_facts(problem: &str) -> Refusal {
    let message = format!("the facts about the call cannot be had{problem}");
    Refusal::new(RefusalCode::FactsUnavailable, message)
}
