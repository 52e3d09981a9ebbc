//! One call, step by step (design, section 5).

use std::panic::AssertUnwindSafe;

use aport_gate_oap::{AgentId, Digest, PackId, digest_json};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rmcp::model::{CallToolResult, JsonObject};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::context::{ContextError, ContextFields};
use crate::gate::{Gate, GateInner};
use crate::identity::{ARGUMENT_AGENT_ID, Claims, META_AGENT_ID};
use crate::ledger::{BodyOutcome, Reservation, Settlement};
use crate::local::Query;
use crate::output::{Returned, failure};
use crate::permit::Permit;
use crate::refusal::{Refusal, RefusalCode, attach_decision, denial};
use crate::server::HasGate;
use crate::tool_pack::ToolPack;

/// A call as it arrived.
pub(crate) struct Incoming {
    pub(crate) tool: &'static str,
    pub(crate) pack: ToolPack,
    pub(crate) arguments: JsonObject,
    pub(crate) meta: JsonObject,
    pub(crate) cancelled: CancellationToken,
}

/// What a policy is asked about, all of it from one parsed value.
struct Asked<A> {
    arguments: A,
    agent: AgentId,
    pack: PackId,
    context: Map<String, Value>,
    digest: Digest,
}

pub(crate) async fn run<S, A>(
    service: &S,
    mut incoming: Incoming,
    map: fn(&A, &mut ContextFields) -> Result<(), ContextError>,
    body: for<'a> fn(&'a S, &'a Permit, A) -> BoxFuture<'a, Returned>,
) -> CallToolResult
where
    S: HasGate + Sync,
    A: DeserializeOwned + Serialize,
{
    let gate = service.gate();
    let claimed = incoming.arguments.remove(ARGUMENT_AGENT_ID);
    // A panic in a default, a conversion or an expression of `context(…)` is a
    // refusal, not a call that nobody answers.
    let mut established = None;
    let asked = std::panic::catch_unwind(AssertUnwindSafe(|| {
        ask(gate, &mut incoming, claimed.as_ref(), &mut established, map)
    }))
    .unwrap_or_else(|_| {
        Err(Refusal::new(
            RefusalCode::InvalidContext,
            "preparing the call panicked",
        ))
    });
    let asked = match asked {
        Ok(asked) => asked,
        Err(refusal) => return refuse(&gate.inner, &incoming, established.as_ref(), refusal).await,
    };
    let Asked {
        arguments,
        agent,
        pack,
        context,
        digest,
    } = asked;
    let query = Query {
        tool: incoming.tool,
        pack: pack.clone(),
        tool_pack: incoming.pack,
        agent: agent.clone(),
        context,
        digest,
    };
    let inner = &gate.inner;
    let verdict = tokio::select! {
        biased;
        () = incoming.cancelled.cancelled() => Err(cancelled()),
        verdict = tokio::time::timeout(inner.timeout, inner.verify(query)) =>
            verdict.unwrap_or_else(|_| Err(Refusal::new(
                RefusalCode::Timeout,
                format!("no decision within {} ms", inner.timeout.as_millis()),
            ))),
    };
    let recorded = match verdict {
        Ok(recorded) => recorded,
        Err(refusal) => return refuse(inner, &incoming, Some(&agent), refusal).await,
    };
    let decision = recorded.decision;
    tracing::info!(tool = incoming.tool, pack = %pack, agent = %agent,
        decision_id = %decision.decision_id, allow = decision.allow, "decided");
    let reservation = match recorded.reservation {
        // Both must say so: the decision, and the ledger that took from the caps.
        Some(reservation) if decision.allow => reservation,
        _ => return denial(&decision),
    };
    let permit = Permit {
        decision,
        agent,
        pack,
        context_digest: digest,
    };
    execute(service, &permit, reservation, &incoming, arguments, body).await
}

fn ask<A: DeserializeOwned + Serialize>(
    gate: &Gate,
    incoming: &mut Incoming,
    claimed: Option<&Value>,
    established: &mut Option<AgentId>,
    map: fn(&A, &mut ContextFields) -> Result<(), ContextError>,
) -> Result<Asked<A>, Refusal> {
    // Asked first, so that the record of any refusal below tells who it was; it counts further down.
    let identity = Claims {
        bound: gate.inner.agent.as_ref(),
        meta: incoming.meta.get(META_AGENT_ID),
        argument: claimed,
    }
    .establish(gate.inner.security);
    *established = identity.as_ref().ok().cloned();
    let arguments = Value::Object(std::mem::take(&mut incoming.arguments));
    let arguments: A = serde_path_to_error::deserialize(arguments).map_err(|error| {
        let path = error.path().to_string();
        let message = match path.as_str() {
            "." => format!("invalid arguments: {}", error.into_inner()),
            path => format!("invalid argument `{path}`: {}", error.inner()),
        };
        Refusal::new(RefusalCode::InvalidArguments, message)
    })?;
    let agent = identity?;
    let invalid = |message: String| Refusal::new(RefusalCode::InvalidContext, message);
    let pack = PackId::parse(incoming.pack.id)
        .map_err(|error| Refusal::new(RefusalCode::UnknownPack, error.to_string()))?;
    let mut fields = ContextFields::default();
    map(&arguments, &mut fields).map_err(|error| invalid(error.to_string()))?;
    let Value::Object(mut context) = serde_json::to_value(&arguments)
        .map_err(|error| invalid(format!("the arguments have no JSON form: {error}")))?
    else {
        return Err(invalid("the arguments are not a JSON object".to_owned()));
    };
    // `null` for an optional argument is the same as leaving it out.
    context.retain(|_, value| !value.is_null());
    context.extend(fields.0);
    context.insert("agent_id".to_owned(), agent.as_str().into());
    context.insert("policy_id".to_owned(), pack.as_str().into());
    let context = Value::Object(context);
    let digest =
        digest_json(&context).map_err(|error| invalid(format!("invalid arguments: {error}")))?;
    let Value::Object(context) = context else {
        return Err(invalid("the context is not a JSON object".to_owned()));
    };
    Ok(Asked {
        arguments,
        agent,
        pack,
        context,
        digest,
    })
}

async fn execute<S, A>(
    service: &S,
    permit: &Permit,
    mut reservation: Reservation,
    incoming: &Incoming,
    arguments: A,
    body: for<'a> fn(&'a S, &'a Permit, A) -> BoxFuture<'a, Returned>,
) -> CallToolResult {
    if incoming.cancelled.is_cancelled() {
        // Dropping the reservation gives it back: the body has not begun.
        return cancelled().into_result(incoming.pack.id);
    }
    // From here on a dropped reservation is held: nobody knows how far the body came.
    reservation.start();
    let running = AssertUnwindSafe(async { body(service, permit, arguments).await }).catch_unwind();
    let ended = tokio::select! {
        biased;
        ended = running => ended,
        () = incoming.cancelled.cancelled() => {
            tracing::warn!(decision_id = permit.decision_id(), "cancelled while the tool ran");
            let mut result = failure(format!(
                "The call was cancelled while the tool ran; what it did so far is unknown.\nDecision ID: {}",
                permit.decision_id()
            ));
            attach_decision(&mut result, permit.decision());
            return result;
        }
    };
    let (outcome, settlement, mut result) = match ended {
        Ok(returned) => {
            let outcome = if returned.is_error() {
                BodyOutcome::Error
            } else {
                BodyOutcome::Ok
            };
            (outcome, returned.settlement(), returned.result)
        }
        Err(_) => (
            BodyOutcome::Panicked,
            Settlement::Hold,
            failure(format!(
                "The tool failed while it ran; what it did so far is unknown.\nDecision ID: {}",
                permit.decision_id()
            )),
        ),
    };
    if let Err(error) = reservation.settle(outcome, settlement).await {
        // The body has run and its answer is true. What it took from the caps
        // stays taken, so nothing can be spent twice.
        tracing::error!(%error, decision_id = permit.decision_id(), "outcome could not be recorded");
    }
    attach_decision(&mut result, permit.decision());
    result
}

async fn refuse(
    gate: &GateInner,
    incoming: &Incoming,
    agent: Option<&AgentId>,
    refusal: Refusal,
) -> CallToolResult {
    tracing::warn!(
        tool = incoming.tool,
        pack = incoming.pack.id,
        agent = agent.map(AgentId::as_str),
        code = refusal.code(),
        problem = ?refusal.message(),
        "refused"
    );
    let mut record = json!({
        "tool": incoming.tool,
        "policy_id": incoming.pack.id,
        "code": refusal.code(),
        "message": refusal.message(),
    });
    if let (Some(agent), Some(members)) = (agent, record.as_object_mut()) {
        members.insert("agent_id".to_owned(), agent.as_str().into());
    }
    // The call is refused whether or not the refusal can be recorded.
    let recording = tokio::time::timeout(gate.timeout, gate.ledger.refuse(record)).await;
    if !matches!(recording, Ok(Ok(()))) {
        tracing::error!("the refusal could not be recorded");
    }
    refusal.into_result(incoming.pack.id)
}

fn cancelled() -> Refusal {
    Refusal::new(RefusalCode::Cancelled, "the call was cancelled")
}
