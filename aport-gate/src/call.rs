//! One call, step by step (design, section 5).

mod execute;
mod parse;
mod refused;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use aport_gate_oap::{AgentId, PackId, digest_json};
use futures::FutureExt as _;
use rmcp::model::{CallToolResult, JsonObject};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use self::execute::execute;
use self::parse::parse;
use self::refused::{cancelled, invalid, no_facts, refuse, refused};
use crate::context::{ContextError, ContextFields};
use crate::facts::{FactFields, FactsError};
use crate::gate::Gate;
use crate::gated_routes::GatedTool;
use crate::ledger::Reservation;
use crate::local::Query;
use crate::output::{Answer, Returned};
use crate::permit::Permit;
use crate::refusal::{Refusal, RefusalCode, denial};

/// A call as it arrived.
pub(crate) struct Incoming {
    pub(crate) tool: GatedTool,
    pub(crate) arguments: JsonObject,
    pub(crate) meta: JsonObject,
    pub(crate) cancelled: CancellationToken,
    /// The tool takes the agent's id as an argument of its own.
    pub(crate) takes_agent_id: bool,
    /// The type of the arguments is the author's own, so what it writes may differ from what it read.
    pub(crate) own_type: bool,
}

/// Maps arguments to further context fields.
pub(crate) type MapContext<A> = fn(&A, &mut ContextFields) -> Result<(), ContextError>;

/// A call whose arguments are parsed, once: rules, digest and body all see this one value.
struct Parsed<A> {
    arguments: A,
    agent: AgentId,
    pack: PackId,
    context: Map<String, Value>,
}

/// What a permit is made of, and what the body's outcome is told to.
struct Allowed {
    permit: Arc<Permit>,
    reservation: Reservation,
}

/// Runs `body` after an allow decision that is on record. `facts` hands the arguments back.
pub(crate) async fn run<A, F, FF, B, BF>(
    gate: &Gate,
    mut incoming: Incoming,
    map: MapContext<A>,
    facts: Option<F>,
    body: B,
) -> Answer
where
    A: DeserializeOwned + Serialize,
    F: FnOnce(A) -> FF,
    FF: Future<Output = Result<(A, FactFields), FactsError>>,
    B: FnOnce(Arc<Permit>, A) -> BF,
    BF: Future<Output = Returned>,
{
    let deadline = Instant::now() + gate.inner.timeout;
    // A panic in a default, a conversion or an expression of `context(…)` is a
    // refusal, not a call that nobody answers.
    let mut established = None;
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        parse(gate, &mut incoming, &mut established, map)
    }))
    .unwrap_or_else(|_| {
        let message = "preparing the call panicked";
        Err(Refusal::new(RefusalCode::InvalidContext, message))
    });
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(refusal) => return refuse(gate, &incoming, established.as_ref(), refusal).await,
    };
    let Parsed {
        mut arguments,
        agent,
        pack,
        context,
    } = parsed;
    let mut known = None;
    if let Some(facts) = facts {
        // Called inside the future, so that a panic before its first await is caught too.
        let asking = AssertUnwindSafe(async move { facts(arguments).await }).catch_unwind();
        let found = tokio::select! {
            biased;
            () = incoming.cancelled.cancelled() => Err(cancelled()),
            found = timeout_at(deadline, asking) => match found {
                Ok(Ok(Ok(found))) => Ok(found),
                Ok(Ok(Err(FactsError(problem)))) => Err(no_facts(&problem)),
                Ok(Err(_)) => Err(no_facts("looking them up panicked")),
                Err(_) => Err(no_facts(&format!(
                    "they were not there within {} ms", gate.inner.timeout.as_millis()
                ))),
            },
        };
        match found {
            Ok((back, found)) => {
                arguments = back;
                known = Some(found);
            }
            Err(refusal) => return refuse(gate, &incoming, Some(&agent), refusal).await,
        }
    }
    let allowed = match decide(gate, &incoming, agent, pack, context, known, deadline).await {
        Ok(allowed) => allowed,
        Err(answer) => return Ok((*answer).into()),
    };
    execute(allowed, &incoming, |permit| body(permit, arguments)).await
}

/// Asks the verifier. Without an allow decision there is an answer already.
async fn decide(
    gate: &Gate,
    incoming: &Incoming,
    agent: AgentId,
    pack: PackId,
    mut context: Map<String, Value>,
    facts: Option<FactFields>,
    deadline: Instant,
) -> Result<Allowed, Box<CallToolResult>> {
    let inner = &gate.inner;
    if let Some(facts) = &facts {
        facts.override_in(&mut context);
    }
    context.insert("agent_id".to_owned(), agent.as_str().into());
    context.insert("policy_id".to_owned(), pack.as_str().into());
    let context = Value::Object(context);
    let digest = digest_json(&context).map_err(|error| match incoming.tool.redacted {
        [] => invalid(&format!("invalid arguments: {error}")),
        _ => invalid("invalid arguments: they cannot be digested"),
    });
    let asked = match (digest, context) {
        (Ok(digest), Value::Object(context)) => Ok((digest, context)),
        (Err(refusal), _) => Err(refusal),
        _ => Err(invalid("the context is not a JSON object")),
    };
    let (digest, context) = match asked {
        Ok(asked) => asked,
        Err(refusal) => return Err(refused(gate, incoming, &agent, refusal).await),
    };
    let query = Query {
        tool: incoming.tool.name,
        pack: pack.clone(),
        tool_pack: incoming.tool.pack,
        agent: agent.clone(),
        context,
        digest,
        facts: facts.map(FactFields::into_map),
        redacted: incoming.tool.redacted,
    };
    let late = || {
        let message = format!("no decision within {} ms", inner.timeout.as_millis());
        Err(Refusal::new(RefusalCode::Timeout, message))
    };
    let verdict = tokio::select! {
        biased;
        () = incoming.cancelled.cancelled() => Err(cancelled()),
        // A look-up that blocks, and a verifier that answers at once, never give the timer its turn.
        () = std::future::ready(()), if Instant::now() >= deadline => late(),
        verdict = timeout_at(deadline, inner.verify(query)) => verdict.unwrap_or_else(|_| late()),
    };
    let recorded = match verdict {
        Ok(recorded) => recorded,
        Err(refusal) => return Err(refused(gate, incoming, &agent, refusal).await),
    };
    let decision = recorded.decision;
    tracing::info!(tool = incoming.tool.name, pack = %pack, agent = %agent,
        decision_id = %decision.decision_id, allow = decision.allow, "decided");
    let reservation = match recorded.reservation {
        // Both must say so: the decision, and the ledger that took from the caps.
        Some(reservation) if decision.allow => reservation,
        _ => return Err(Box::new(denial(&decision))),
    };
    let permit = Arc::new(Permit {
        decision,
        agent,
        pack,
        context_digest: digest,
    });
    Ok(Allowed {
        permit,
        reservation,
    })
}
