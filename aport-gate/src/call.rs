//! One call, step by step (design, section 5).

mod execute;
mod given;
mod look_up;
mod parse;
mod prepared;
mod question;
mod refused;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use aport_gate_oap::{AgentId, Outcome, PackId};
use futures::future::BoxFuture;
use rmcp::model::{CallToolResult, JsonObject};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use self::execute::execute;
pub(crate) use self::given::Aliases;
use self::look_up::{Facts, look_up};
use self::parse::parse;
pub use self::prepared::MethodFacts;
use self::prepared::Prepared;
pub(crate) use self::prepared::{Body, Function, LookUp, MapContext, MethodCall, Read};
use self::refused::{cancelled, no_redaction, redacts_nothing, refuse, refused};
use crate::facts::FactFields;
use crate::gate::Gate;
use crate::gated_routes::GatedTool;
use crate::http_caller::Transport;
use crate::identity::ARGUMENT_AGENT_ID;
use crate::ledger::Reservation;
use crate::output::Answer;
use crate::permit::Permit;
use crate::redaction::{Redacted, Secrets};
use crate::refusal::{Refusal, RefusalCode, denial};
use crate::span::{self, Stage};
use crate::supply;

/// A call as it arrived.
pub(crate) struct Incoming {
    pub(crate) tool: GatedTool,
    pub(crate) arguments: JsonObject,
    pub(crate) meta: JsonObject,
    pub(crate) transport: Transport,
    pub(crate) cancelled: CancellationToken,
    /// The arguments as a method lists them; the attribute itself knows those of a function.
    pub(crate) schema: Option<Arc<JsonObject>>,
    /// The span that the request was made in.
    #[cfg(feature = "otel")]
    pub(crate) parent: Option<opentelemetry::trace::SpanContext>,
    /// Where a type of the author's own may write another value than it read: the names to compare by.
    pub(crate) compared: Option<Aliases>,
}

impl Incoming {
    /// The names of a method's arguments; none where its arguments have no names that are known.
    fn listed(&self) -> Option<&JsonObject> {
        self.schema.as_deref().and_then(supply::listed_names)
    }

    /// A name that is redacted and that neither a method's arguments nor its facts have.
    fn redacts_nothing(&self, facts: &Map<String, Value>) -> Option<&'static str> {
        let mut unknown = supply::unknown_redacted(self.tool, self.listed());
        unknown.find(|field| !facts.contains_key(*field))
    }

    fn takes_agent_id(&self) -> bool {
        self.listed()
            .is_some_and(|names| names.contains_key(ARGUMENT_AGENT_ID))
    }
}

/// A call whose arguments are parsed, once: rules, digest and body all see this one value.
struct Parsed<'s> {
    call: Box<dyn Prepared<'s> + 's>,
    agent: AgentId,
    pack: PackId,
    context: Map<String, Value>,
}

/// What there is to decide.
struct Question {
    agent: AgentId,
    pack: PackId,
    context: Map<String, Value>,
    facts: Facts,
    redacted: Option<Redacted>,
}

/// What a permit is made of, and what the body's outcome is told to.
struct Allowed {
    permit: Arc<Permit>,
    reservation: Reservation,
}

/// Runs the body after an allow decision that is on record.
pub(crate) fn run<'s>(gate: &'s Gate, incoming: Incoming, read: Read<'s>) -> BoxFuture<'s, Answer> {
    let span = span::gated_call(
        incoming.tool.name,
        incoming.tool.pack.id,
        gate.inner.verifier.name(),
    );
    #[cfg(feature = "otel")]
    crate::trace_context::adopt(&span, incoming.parent.clone());
    Box::pin(steps(gate, incoming, read).instrument(span))
}

async fn steps<'s>(gate: &'s Gate, mut incoming: Incoming, read: Read<'s>) -> Answer {
    let deadline = Instant::now() + gate.inner.timeout;
    // A panic in a default, a conversion or an expression of `context(…)` is a
    // refusal, not a call that nobody answers.
    let mut established = None;
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        parse(gate, &mut incoming, &mut established, read)
    }))
    .unwrap_or_else(|_| {
        let message = "preparing the call panicked";
        Err(Refusal::new(RefusalCode::InvalidContext, message))
    });
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(refusal) => {
            return refuse(gate, &incoming, established.as_ref(), refusal, deadline).await;
        }
    };
    let Parsed {
        mut call,
        agent,
        pack,
        context,
    } = parsed;
    Span::current().record("agent", agent.as_str());
    let mut redacted = match gate.inner.redaction_key.redacted(incoming.tool.redacted) {
        Ok(redacted) => redacted,
        Err(error) => {
            let refusal = no_redaction(&error);
            return refuse(gate, &incoming, Some(&agent), refusal, deadline).await;
        }
    };
    let mut known = Facts::NotDeclared;
    if call.has_facts() {
        let secrets = redacted
            .as_ref()
            .map(|hidden| Secrets::of(hidden, &context));
        let began = std::time::Instant::now();
        let asking = look_up(gate, &incoming, &agent, call.as_mut(), deadline);
        let found = asking.await;
        span::took(Stage::Facts, began);
        match found.map_err(|failed| failed.refusal(secrets.as_ref())) {
            Ok(found) => known = found,
            Err(refusal) => return refuse(gate, &incoming, Some(&agent), refusal, deadline).await,
        }
        if let (Some(hidden), Some(secrets), Facts::Found(found)) =
            (&mut redacted, &secrets, &known)
        {
            if let Some(field) = incoming.redacts_nothing(found.as_map()) {
                let refusal = redacts_nothing(field);
                return refuse(gate, &incoming, Some(&agent), refusal, deadline).await;
            }
            hidden.add_repeats(secrets, found.as_map());
        }
    }
    let question = Question {
        agent,
        pack,
        context,
        facts: known,
        redacted,
    };
    let allowed = match decide(gate, &incoming, question, deadline).await {
        Ok(allowed) => allowed,
        Err(answer) => return Ok((*answer).into()),
    };
    execute(allowed, &incoming, call).await
}

/// Asks the verifier. Without an allow decision there is an answer already.
async fn decide(
    gate: &Gate,
    incoming: &Incoming,
    question: Question,
    deadline: Instant,
) -> Result<Allowed, Box<CallToolResult>> {
    let inner = &gate.inner;
    let (agent, pack) = (question.agent.clone(), question.pack.clone());
    let facts = match &question.facts {
        Facts::Found(facts) => facts.clone(),
        Facts::NotAsked | Facts::NotDeclared => FactFields::default(),
    };
    let query = match question.into_query(incoming) {
        Ok(query) => query,
        Err(refusal) => return Err(refused(gate, incoming, &agent, refusal, deadline).await),
    };
    let digest = query.digest;
    let late = || {
        let message = format!("no decision within {} ms", inner.timeout.as_millis());
        Err(Refusal::new(RefusalCode::Timeout, message))
    };
    let began = std::time::Instant::now();
    let verdict = tokio::select! {
        biased;
        () = incoming.cancelled.cancelled() => Err(cancelled()),
        // A look-up that blocks, and a verifier that answers at once, never give the timer its turn.
        () = std::future::ready(()), if Instant::now() >= deadline => late(),
        verdict = timeout_at(deadline, inner.verify(query, deadline)) => match verdict {
            // Something in it blocked, such as the loading of changed packs. Dropped, it gives back what it took.
            Ok(Ok(_)) if Instant::now() >= deadline => late(),
            Ok(verdict) => verdict,
            Err(_) => late(),
        },
    };
    span::took(Stage::Verify, began);
    inner.verified(incoming.tool.name, began, &verdict);
    let recorded = match verdict {
        Ok(recorded) => recorded,
        Err(refusal) => return Err(refused(gate, incoming, &agent, refusal, deadline).await),
    };
    let decision = recorded.decision;
    Span::current()
        .record("decision_id", decision.decision_id.as_str())
        .record("allow", decision.allow);
    tracing::info!(tool = incoming.tool.name, pack = %pack, agent = %agent,
        decision_id = %decision.decision_id, allow = decision.allow, "decided");
    if decision.outcome == Outcome::AllowWithWarning {
        // Codes alone: what the reasons say may quote what the tool redacts. The answer has them whole.
        let codes: Vec<&str> = decision.reasons.iter().map(|r| r.code.as_str()).collect();
        tracing::warn!(decision_id = %decision.decision_id, reasons = ?codes, "allowed with a warning");
    }
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
        facts,
    });
    Ok(Allowed {
        permit,
        reservation,
    })
}
