//! One call, step by step (design, section 5).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use aport_gate_oap::{AgentId, PackId, digest_json};
use futures::FutureExt as _;
use rmcp::model::{CallToolResult, JsonObject};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::context::{ContextError, ContextFields, given_names, nothing_hidden};
use crate::facts::{FactFields, FactsError};
use crate::gate::{Gate, GateInner};
use crate::gated_routes::GatedTool;
use crate::identity::{ARGUMENT_AGENT_ID, Claims, META_AGENT_ID};
use crate::ledger::{BodyOutcome, Reservation, Settlement};
use crate::local::Query;
use crate::output::{Answer, OnError, Returned, failure};
use crate::permit::Permit;
use crate::refusal::{Refusal, RefusalCode, attach_decision, attach_to_answer, denial};

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

fn parse<A: DeserializeOwned + Serialize>(
    gate: &Gate,
    incoming: &mut Incoming,
    established: &mut Option<AgentId>,
    map: MapContext<A>,
) -> Result<Parsed<A>, Refusal> {
    let (identity, arguments) = identify(gate, incoming, established);
    let given = incoming.own_type.then(|| given_names(&arguments));
    let arguments: A = serde_path_to_error::deserialize(arguments)
        .map_err(|error| unreadable(incoming, &error.path().to_string(), error.inner()))?;
    let agent = identity?;
    let mut fields = ContextFields::default();
    map(&arguments, &mut fields).map_err(|error| invalid(&error.to_string()))?;
    let written = serde_json::to_value(&arguments);
    let (pack, context) = context_of(incoming, written, fields, given.as_deref())?;
    Ok(Parsed {
        arguments,
        agent,
        pack,
        context,
    })
}

/// Who calls, and the arguments as the tool takes them.
fn identify(
    gate: &Gate,
    incoming: &mut Incoming,
    established: &mut Option<AgentId>,
) -> (Result<AgentId, Refusal>, Value) {
    let mut arguments = std::mem::take(&mut incoming.arguments);
    let claimed = arguments.remove(ARGUMENT_AGENT_ID);
    // Asked first, so that the record of any refusal below tells who it was; it counts further down.
    let identity = Claims {
        bound: gate.inner.agent.as_ref(),
        meta: incoming.meta.get(META_AGENT_ID),
        argument: claimed.as_ref(),
    }
    .establish(gate.inner.security);
    *established = identity.as_ref().ok().cloned();
    if incoming.takes_agent_id
        && let Some(agent) = established
    {
        arguments.insert(ARGUMENT_AGENT_ID.to_owned(), agent.as_str().into());
    }
    (identity, Value::Object(arguments))
}

fn unreadable(incoming: &Incoming, path: &str, error: &serde_json::Error) -> Refusal {
    let root = path.split(['.', '[']).next().unwrap_or(path);
    let message = if path == "." {
        format!("invalid arguments: {error}")
    } else if incoming.tool.redacted.contains(&root) {
        // What could not be read may be quoted in the error.
        format!("invalid argument `{path}`: it cannot be read; its value is redacted")
    } else {
        format!("invalid argument `{path}`: {error}")
    };
    Refusal::new(RefusalCode::InvalidArguments, message)
}

fn context_of(
    incoming: &Incoming,
    written: Result<Value, serde_json::Error>,
    fields: ContextFields,
    given: Option<&[String]>,
) -> Result<(PackId, Map<String, Value>), Refusal> {
    let pack = PackId::parse(incoming.tool.pack.id)
        .map_err(|error| Refusal::new(RefusalCode::UnknownPack, error.to_string()))?;
    let written =
        written.map_err(|error| invalid(&format!("the arguments have no JSON form: {error}")))?;
    let Value::Object(mut context) = written else {
        return Err(invalid("the arguments are not a JSON object"));
    };
    // `null` for an optional argument is the same as leaving it out.
    context.retain(|_, value| !value.is_null());
    if let Some(given) = given {
        nothing_hidden(given, &context, &fields).map_err(|problem| invalid(&problem))?;
    }
    context.extend(fields.0);
    Ok((pack, context))
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

async fn execute<F: Future<Output = Returned>>(
    allowed: Allowed,
    incoming: &Incoming,
    body: impl FnOnce(Arc<Permit>) -> F,
) -> Answer {
    let Allowed {
        permit,
        mut reservation,
    } = allowed;
    if incoming.cancelled.is_cancelled() {
        // Dropping the reservation gives it back: the body has not begun.
        return Ok(cancelled().into_result(incoming.tool.pack.id).into());
    }
    // From here on a dropped reservation is held: nobody knows how far the body came.
    reservation.start();
    let lent = Arc::clone(&permit);
    let running = AssertUnwindSafe(async move { body(lent).await }).catch_unwind();
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
            return Ok(result.into());
        }
    };
    settle(&permit, reservation, incoming.tool.on_error, ended.ok()).await
}

/// Settles with what the body returned; it panicked where there is nothing.
async fn settle(
    permit: &Permit,
    reservation: Reservation,
    on_error: OnError,
    returned: Option<Returned>,
) -> Answer {
    let (outcome, settlement, mut answer) = match returned {
        Some(returned) => {
            let outcome = if returned.is_error() {
                BodyOutcome::Error
            } else {
                BodyOutcome::Ok
            };
            (outcome, returned.settlement(on_error), returned.answer)
        }
        None => {
            let result = failure(format!(
                "The tool failed while it ran; what it did so far is unknown.\nDecision ID: {}",
                permit.decision_id()
            ));
            (BodyOutcome::Panicked, Settlement::Hold, Ok(result.into()))
        }
    };
    if let Err(error) = reservation.settle(outcome, settlement).await {
        // The body has run and its answer is true. What it took from the caps
        // stays taken, so nothing can be spent twice.
        tracing::error!(%error, decision_id = permit.decision_id(), "outcome could not be recorded");
    }
    attach_to_answer(&mut answer, permit.decision());
    answer
}

async fn refuse(
    gate: &Gate,
    incoming: &Incoming,
    agent: Option<&AgentId>,
    refusal: Refusal,
) -> Answer {
    Ok(recorded_refusal(&gate.inner, incoming, agent, refusal)
        .await
        .into())
}

async fn refused(
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
    tracing::warn!(
        tool = incoming.tool.name,
        pack = incoming.tool.pack.id,
        agent = agent.map(AgentId::as_str),
        code = refusal.code(),
        problem = ?refusal.message(),
        "refused"
    );
    let mut record = json!({
        "tool": incoming.tool.name,
        "policy_id": incoming.tool.pack.id,
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
    refusal.into_result(incoming.tool.pack.id)
}

fn cancelled() -> Refusal {
    Refusal::new(RefusalCode::Cancelled, "the call was cancelled")
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(RefusalCode::InvalidContext, message)
}

fn no_facts(problem: &str) -> Refusal {
    let message = format!("the facts about the call cannot be had: {problem}");
    Refusal::new(RefusalCode::FactsUnavailable, message)
}
