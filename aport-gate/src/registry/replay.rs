//! A request that is sent again because its answer was lost gets the same decision again.
//!
//! The decision's id follows from the request's, and its audit record is what is found: a restart in
//! between changes nothing, and the ledger takes no second reservation under the same id.

use aport_gate_oap::Decision;
use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use super::problem::Problem;
use super::question::Question;
use super::state::Registry;
use crate::ledger::AuditRecord;

/// Header that names one call through all its tries.
const REQUEST_ID: &str = "x-aport-request-id";
/// How long a decision is answered again.
const WITHIN: SignedDuration = SignedDuration::from_mins(5);
/// Tries of one request take turns; unrelated requests rarely share one.
const TURNS: usize = 256;

/// One turn at a time for tries of the same request.
pub(super) struct Turns(Vec<Mutex<()>>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..TURNS).map(|_| Mutex::default()).collect())
    }
}

impl Turns {
    pub(super) async fn take(&self, id: Uuid) -> Option<MutexGuard<'_, ()>> {
        let number = usize::from(id.as_bytes().first().copied().unwrap_or_default());
        match self.0.get(number) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }
}

/// The request's id, if the caller gives it one.
pub(super) fn request_id(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(REQUEST_ID).iter();
    let invalid = || Problem::invalid("header `X-Aport-Request-Id` must be there once, as a UUID");
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| invalid())?;
            Uuid::try_parse(text).map_err(|_| invalid())?;
            Ok(Some(text))
        }
        _ => Err(invalid()),
    }
}

/// The decision that this request got before, if it got one.
///
/// # Errors
/// The id was used for another question, too long ago, or its decision was used up.
pub(super) async fn find(
    registry: &Registry,
    id: Uuid,
    question: &Question,
) -> Result<Option<Decision>, Problem> {
    let records = registry
        .ledger
        .find(id.to_string())
        .await
        .map_err(|error| {
            tracing::error!(%error, "earlier decisions cannot be looked up");
            Problem::unavailable("earlier decisions cannot be looked up")
        })?;
    let Some(decision) = decision_in(&records)? else {
        return Ok(None);
    };
    let same = decision.agent_id == question.agent
        && decision.policy_id == question.pack
        && decision.context_digest == question.digest;
    if !same {
        return Err(Problem::conflict(
            "this `X-Aport-Request-Id` was used for another request",
        ));
    }
    if records.iter().any(|record| record.kind == "outcome") {
        return Err(Problem::conflict(
            "the decision about this `X-Aport-Request-Id` was used already",
        ));
    }
    if Timestamp::now().duration_since(decision.created_at) > WITHIN {
        return Err(Problem::conflict(
            "this `X-Aport-Request-Id` is too old; ask anew under another",
        ));
    }
    Ok(Some(decision))
}

/// The decision that these records are of.
pub(super) fn decision_in(records: &[AuditRecord]) -> Result<Option<Decision>, Problem> {
    let Some(record) = records.iter().find(|record| record.kind == "decision") else {
        return Ok(None);
    };
    let document = record.body.get("decision").cloned().unwrap_or_default();
    serde_json::from_value(document).map(Some).map_err(|error| {
        tracing::error!(%error, sequence = record.sequence, "a recorded decision cannot be read");
        Problem::unavailable("the recorded decision cannot be read")
    })
}
