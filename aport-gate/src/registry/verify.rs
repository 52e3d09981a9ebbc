//! `POST /api/verify/policy/{pack_id}`.

use std::sync::Arc;
use std::time::Instant;

use aport_gate_oap::{Decision, OperatorOptions, Pack, Passport};
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use serde_json::Value;
use uuid::Uuid;

use super::answer::answer;
use super::auth::{self, Caller, Need};
use super::body;
use super::limits::{Standing, Subject};
use super::problem::Problem;
use super::question::{IN_BODY, Question};
use super::replay;
use super::serve::Peer;
use super::state::{Registry, Shared};
use crate::local::Case;
use crate::refusal::{Refusal, RefusalCode};

/// Header of an allow decision whose outcome may be reported.
const OUTCOME_TOKEN: HeaderName = HeaderName::from_static("x-aport-outcome-token");

/// A decision that is on record, for whoever asked.
pub(super) struct Decided {
    pub(super) decision: Decision,
    is_old: bool,
    standing: Option<Standing>,
}

pub(super) async fn policy(
    State(registry): State<Shared>,
    Extension(peer): Extension<Peer>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let decided = decide(&registry, peer, path, request).await?;
    let response = answer(&decided.decision, decided.is_old)?;
    Ok(decided.finish(&registry, response))
}

/// Reads the question, decides and records.
///
/// # Errors
/// There is no decision.
pub(super) async fn decide(
    registry: &Shared,
    peer: Peer,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Decided, Problem> {
    let caller = auth::allow(registry, request.headers(), peer, Need::Caller)?;
    let Path(path) = path.map_err(|_| Problem::invalid("the path is not valid UTF-8"))?;
    let request_id = replay::request_id(request.headers())?.map(str::to_owned);
    let body = body::object(registry, request).await?;
    let question = Question::read(&path, body)?;
    // Names are for the asking: of agents that nobody knows there is no end.
    let subject = match registry.verifier.passport(&question.agent)? {
        Some(_) => Subject::Agent(question.agent.to_string()),
        None => caller.subject(),
    };
    let standing = registry.limits.count(subject)?;
    let is_old = question.is_old;
    let shared = Arc::clone(registry);
    // A task of its own: a caller that goes away does not undo a decision that is being recorded,
    // and finds it when it asks again.
    let decision = tokio::spawn(async move {
        let work = one_decision(
            &shared,
            &caller,
            request_id.as_deref(),
            question,
            path == IN_BODY,
        );
        match tokio::time::timeout(shared.settings.decision_timeout, work).await {
            Ok(decision) => decision,
            Err(_) => Err(Problem::unavailable("no decision was recorded in time")),
        }
    })
    .await
    .map_err(|_| Problem::unavailable("deciding ended early"))??;
    Ok(Decided {
        decision,
        is_old,
        standing,
    })
}

impl Decided {
    /// Puts into an answer what goes beside the decision.
    pub(super) fn finish(self, registry: &Registry, mut response: Response) -> Response {
        if self.decision.allow {
            let token = registry.outcome_tokens.of(&self.decision.decision_id);
            if let Ok(token) = HeaderValue::try_from(token) {
                response.headers_mut().insert(OUTCOME_TOKEN, token);
            }
        }
        if let Some(standing) = self.standing {
            response.extensions_mut().insert(standing);
        }
        response
    }
}

async fn one_decision(
    registry: &Registry,
    caller: &Caller,
    request_id: Option<&str>,
    question: Question,
    in_body: bool,
) -> Result<Decision, Problem> {
    let documents = documents(registry, &question, in_body)?;
    let Some(request_id) = request_id else {
        return record(registry, Uuid::new_v4(), question, documents).await;
    };
    let id = registry
        .outcome_tokens
        .decision_id(caller.key.as_deref(), request_id);
    let _turn = registry.turns.take(id).await;
    let began = Instant::now();
    let found = replay::find(registry, id, &question).await;
    registry.metrics.ledger("find", began.elapsed());
    match found? {
        // What stopped the agent since then counts at once.
        Some(decision) if documents.changed_since(&decision) => Err(Problem::conflict(
            "the passport changed since this request was decided; ask anew",
        )),
        Some(decision) => Ok(decision),
        None => record(registry, id, question, documents).await,
    }
}

/// What a question is decided by.
struct Documents {
    pack: Arc<Pack>,
    operator_options: Option<OperatorOptions>,
    passport: Option<Arc<Passport>>,
    /// For metrics: an installed pack's id.
    label: String,
}

impl Documents {
    fn changed_since(&self, decision: &Decision) -> bool {
        let now = self.passport.as_ref();
        decision.passport_digest != now.map(|passport| passport.digest())
            || now.is_some_and(|passport| passport.parent_status().is_some())
    }
}

fn documents(
    registry: &Registry,
    question: &Question,
    in_body: bool,
) -> Result<Documents, Problem> {
    let registered = registry.verifier.passport(&question.agent)?;
    let passport = match &question.passport {
        None => registered,
        Some(document) => Some(body_passport(registry, document, registered)?),
    };
    let packs = registry.verifier.packs();
    let installed = packs.get(&question.pack);
    if let Some(document) = &question.policy {
        let pack = body_policy(registry, document)?;
        if installed.is_some_and(|installed| installed.pack().digest() != pack.digest()) {
            return Err(Problem::conflict(format!(
                "this registry has another pack `{}`; take `policy` out of the body",
                question.pack
            )));
        }
        return Ok(Documents {
            pack,
            operator_options: None,
            passport,
            label: IN_BODY.to_owned(),
        });
    }
    if in_body {
        return Err(Problem::invalid("`policy` is missing"));
    }
    let installed = installed.ok_or_else(|| {
        let message = format!(
            "this registry does not have policy pack `{}`",
            question.pack
        );
        Refusal::new(RefusalCode::UnknownPack, message)
    })?;
    Ok(Documents {
        pack: Arc::clone(installed.pack()),
        operator_options: installed.operator_options().cloned(),
        passport,
        label: question.pack.to_string(),
    })
}

fn body_passport(
    registry: &Registry,
    document: &Value,
    registered: Option<Arc<Passport>>,
) -> Result<Arc<Passport>, Problem> {
    if !registry.settings.body_passports {
        return Err(Problem::forbidden(
            "a passport in the body does not count: anybody could write one; register it, or let the operator start the registry with `--allow-body-passports`",
        ));
    }
    let passport = Passport::parse(document.to_string().as_bytes()).map_err(|error| {
        let status = axum::http::StatusCode::BAD_REQUEST;
        Problem::new(status, "invalid_passport", error.to_string())
    })?;
    match registered {
        Some(registered) if registered.as_value() == passport.as_value() => Ok(registered),
        Some(registered) => Err(Problem::conflict(format!(
            "`{}` has another passport in this registry; take `passport` out of the body",
            registered.agent_id()
        ))),
        None => {
            let parent = match passport.parent_id() {
                Some(parent) => registry.verifier.passport(parent)?,
                None => None,
            };
            Ok(Arc::new(match parent {
                Some(parent) => passport.with_parent(&parent),
                None => passport,
            }))
        }
    }
}

fn body_policy(registry: &Registry, document: &Value) -> Result<Arc<Pack>, Problem> {
    if !registry.settings.body_policies {
        return Err(Problem::forbidden(
            "a policy in the body does not count: anybody could write one; install the pack, or let the operator start the registry with `--allow-body-policies`",
        ));
    }
    Pack::parse(document.to_string().as_bytes())
        .map(Arc::new)
        .map_err(|error| {
            let status = axum::http::StatusCode::BAD_REQUEST;
            Problem::new(status, "invalid_policy", error.to_string())
        })
}

async fn record(
    registry: &Registry,
    id: Uuid,
    question: Question,
    documents: Documents,
) -> Result<Decision, Problem> {
    let case = Case {
        decision_id: id,
        tool: None,
        policy: question.pack,
        pack: documents.pack,
        operator_options: documents.operator_options,
        passport: documents.passport,
        agent: question.agent,
        context: question.context,
        digest: question.digest,
        facts: None,
        redacted: None,
        without_facts: false,
    };
    let began = Instant::now();
    let recorded = registry.verifier.decide(&registry.ledger, case).await;
    registry.metrics.ledger("decide", began.elapsed());
    let recorded = recorded.inspect_err(|_| {
        registry.metrics.decided(&documents.label, "none");
    })?;
    if let Some(reservation) = recorded.reservation {
        // It outlives the request: the caller's body runs after the answer.
        reservation.detach();
        registry.awaited.add(&recorded.decision.decision_id);
    }
    let decision = recorded.decision;
    let result = if decision.allow { "allow" } else { "deny" };
    registry.metrics.decided(&documents.label, result);
    tracing::debug!(pack = %decision.policy_id, agent = %decision.agent_id,
        decision_id = %decision.decision_id, allow = decision.allow, "decided");
    Ok(decision)
}
