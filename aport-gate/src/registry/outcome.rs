//! `POST /api/verify/outcome/{decision_id}`: what became of an allowed call.

use std::time::Instant;

use aport_gate_oap::Decision;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::auth::{self, Need};
use super::body;
use super::problem::{Problem, json_response};
use super::replay::decision_in;
use super::serve::Peer;
use super::state::{Registry, Shared};
use crate::LedgerError;
use crate::ledger::{AuditRecord, BodyOutcome, End, Settlement};

const TOKEN: &str = "x-aport-outcome-token";

/// What is reported.
struct Report {
    agent: String,
    outcome: BodyOutcome,
    settlement: Settlement,
}

pub(super) async fn report(
    State(registry): State<Shared>,
    Extension(peer): Extension<Peer>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let caller = auth::allow(&registry, request.headers(), peer, Need::Caller)?;
    let Path(decision_id) = path.map_err(|_| Problem::invalid("the path is not valid UTF-8"))?;
    let token = request.headers().get(TOKEN);
    let token = token.and_then(|token| token.to_str().ok());
    // Before anything is told about the decision.
    if !token.is_some_and(|token| registry.outcome_tokens.is_of(&decision_id, token)) {
        registry.limits.count(caller.subject())?;
        return Err(Problem::forbidden(
            "header `X-Aport-Outcome-Token` is not the one that came with this decision",
        ));
    }
    let body = body::object(&registry, request).await?;
    let report = Report::read(&body)?;
    let records = look_up(&registry, &decision_id).await?;
    let decision = decision_in(&records)?.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "the ledger does not have this decision",
        )
    })?;
    if decision.agent_id.as_str() != report.agent {
        return Err(Problem::forbidden("the decision is of another agent"));
    }
    if let Some(problem) = recorded_otherwise(&records, &report) {
        return problem.map(|()| report.answer(&decision_id));
    }
    let age = Timestamp::now().duration_since(decision.created_at);
    let within = SignedDuration::try_from(registry.settings.settle_within);
    let late = within.is_ok_and(|within| age > within);
    let end = report.end(&decision, late);
    // A task of its own: a caller that goes away does not leave it half done.
    let shared = registry.clone();
    let settled = tokio::spawn(async move {
        let began = Instant::now();
        let settled = shared.ledger.settle(end).await;
        shared.metrics.ledger("settle", began.elapsed());
        settled
    })
    .await
    .map_err(|_| Problem::unavailable("settling ended early"))?;
    if settled.is_ok() {
        registry.awaited.remove(&decision_id);
    }
    match settled {
        Ok(()) if late => {
            registry.metrics.settled("late");
            Err(Problem::conflict(format!(
                "the outcome came later than {} s after the decision: what it took is held",
                registry.settings.settle_within.as_secs()
            )))
        }
        Ok(()) => {
            registry.metrics.settled(report.settlement.state());
            Ok(report.answer(&decision_id))
        }
        // Somebody was faster, or the window of its counters has ended.
        Err(LedgerError::NotPending { .. }) => {
            let records = look_up(&registry, &decision_id).await?;
            recorded_otherwise(&records, &report)
                .unwrap_or_else(|| Err(Problem::conflict("there is nothing left to settle")))
                .map(|()| report.answer(&decision_id))
        }
        Err(error) => {
            tracing::error!(%error, "an outcome could not be recorded");
            Err(Problem::unavailable("the outcome could not be recorded"))
        }
    }
}

async fn look_up(registry: &Registry, decision_id: &str) -> Result<Vec<AuditRecord>, Problem> {
    let found = registry.ledger.find(decision_id.to_owned()).await;
    found.map_err(|error| {
        tracing::error!(%error, "a decision cannot be looked up");
        Problem::unavailable("the decision cannot be looked up")
    })
}

/// Whether an outcome is on record already, and then whether it is this one.
fn recorded_otherwise(records: &[AuditRecord], report: &Report) -> Option<Result<(), Problem>> {
    let record = records.iter().find(|record| record.kind == "outcome")?;
    let text = |field| record.body.get(field).and_then(Value::as_str);
    let same = text("outcome") == Some(report.outcome.name())
        && text("reservation") == Some(report.settlement.state());
    Some(if same {
        Ok(())
    } else {
        Err(Problem::conflict(
            "another outcome of this decision is on record",
        ))
    })
}

impl Report {
    fn read(body: &Map<String, Value>) -> Result<Self, Problem> {
        let text = |field: &str| {
            body.get(field)
                .and_then(Value::as_str)
                .ok_or_else(|| Problem::invalid(format!("`{field}` must be a string")))
        };
        let outcome = match text("outcome")? {
            "ok" => BodyOutcome::Ok,
            "error" => BodyOutcome::Error,
            "panicked" => BodyOutcome::Panicked,
            "abandoned" => BodyOutcome::Abandoned,
            _ => {
                let message = "`outcome` must be `ok`, `error`, `panicked` or `abandoned`";
                return Err(Problem::invalid(message));
            }
        };
        let settlement = match text("settlement")? {
            "commit" => Settlement::Commit,
            "release" => Settlement::Release,
            "hold" => Settlement::Hold,
            _ => {
                let message = "`settlement` must be `commit`, `release` or `hold`";
                return Err(Problem::invalid(message));
            }
        };
        // What was done, or may have been, gives nothing back.
        if settlement == Settlement::Release
            && matches!(outcome, BodyOutcome::Ok | BodyOutcome::Panicked)
        {
            let message = format!(
                "`settlement` `release` contradicts `outcome` `{}`: only a call that did nothing gives back what it took; report `commit` or `hold`",
                outcome.name()
            );
            return Err(Problem::invalid(message));
        }
        Ok(Self {
            agent: text("agent_id")?.to_owned(),
            outcome,
            settlement,
        })
    }

    fn end(&self, decision: &Decision, late: bool) -> End {
        let (outcome, settlement) = if late {
            (BodyOutcome::Abandoned, Settlement::Hold)
        } else {
            (self.outcome, self.settlement)
        };
        End {
            decision_id: decision.decision_id.clone(),
            // Only what never began is abandoned and given back.
            executed: !(outcome == BodyOutcome::Abandoned && settlement == Settlement::Release),
            outcome,
            settlement,
        }
    }

    fn answer(&self, decision_id: &str) -> Response {
        let settlement = match self.settlement {
            Settlement::Commit => "commit",
            Settlement::Release => "release",
            Settlement::Hold => "hold",
        };
        let body = json!({
            "decision_id": decision_id,
            "outcome": self.outcome.name(),
            "settlement": settlement,
        });
        json_response(StatusCode::OK, &body)
    }
}
