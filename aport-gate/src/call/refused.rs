//! Calls that end before there is a decision, each with its record.

use std::fmt::Display;
use std::sync::Arc;

use aport_gate_oap::AgentId;
use rmcp::model::CallToolResult;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Span;

use super::Incoming;
use crate::facts::FactsError;
use crate::gate::Gate;
use crate::http_caller::Transport;
use crate::output::Answer;
use crate::redaction::Secrets;
use crate::refusal::{Refusal, RefusalCode};

pub(super) async fn refuse(
    gate: &Gate,
    incoming: &Incoming,
    agent: Option<&AgentId>,
    refusal: Refusal,
    deadline: Instant,
) -> Answer {
    Ok(recorded_refusal(gate, incoming, agent, refusal, deadline)
        .await
        .into())
}

pub(super) async fn refused(
    gate: &Gate,
    incoming: &Incoming,
    agent: &AgentId,
    refusal: Refusal,
    deadline: Instant,
) -> Box<CallToolResult> {
    Box::new(recorded_refusal(gate, incoming, Some(agent), refusal, deadline).await)
}

async fn recorded_refusal(
    gate: &Gate,
    incoming: &Incoming,
    agent: Option<&AgentId>,
    refusal: Refusal,
    deadline: Instant,
) -> CallToolResult {
    Span::current().record("refused", refusal.code());
    gate.inner.refused(incoming.tool.name);
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
    record_in_time(gate, record, deadline).await;
    let refusal = match incoming.transport {
        Transport::Session => refusal,
        Transport::Http(_) | Transport::UnknownHttp => refusal.for_strangers(),
    };
    refusal.into_result(incoming.tool.pack.id)
}

/// The call is refused whether or not that can be recorded, and no later than it would be decided: a ledger
/// that is still busy then gets its record without the caller.
async fn record_in_time(gate: &Gate, record: Value, deadline: Instant) {
    let inner = Arc::clone(&gate.inner);
    let mut recording = Box::pin(async move {
        let recorded = timeout(inner.timeout, inner.ledger.refuse(record)).await;
        if !matches!(recorded, Ok(Ok(()))) {
            tracing::error!("the refusal could not be recorded");
        }
    });
    if timeout_at(deadline, &mut recording).await.is_err() {
        tokio::spawn(recording);
    }
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
    let told = |why: &str| {
        if error.is_refusal() {
            ruled_out(why)
        } else {
            no_facts(why)
        }
    };
    match (error.is_for_caller(), secrets) {
        (true, None) => told(&format!(": {text}")),
        (true, Some(secrets)) if !secrets.quoted_in(&text) => told(&format!(": {text}")),
        (false, None) => told("").with_detail(&text),
        (_, Some(_)) => told("; why is not kept, since the tool redacts arguments"),
    }
}

/// A code of its own, since a client asks again where facts cannot be had now.
fn ruled_out(why: &str) -> Refusal {
    let message = format!("the facts rule the call out{why}");
    Refusal::new(RefusalCode::FactsRefused, message)
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
