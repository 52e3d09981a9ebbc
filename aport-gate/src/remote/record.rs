//! The audit record of a registry's decision, and what of it may stand there where the tool redacts.

use aport_gate_oap::{Decision, Digest, UsagePlan, digest_json};
use serde_json::{Map, Value};

use super::error::RegistryError;
use super::outcome::OutcomeReport;
use crate::ledger::{Ledger, LedgerError, Recorded, Verdict};
use crate::local::Query;
use crate::refusal::{Refusal, RefusalCode};

/// A decision that counts, and where it came from.
pub(super) struct Checked {
    pub(super) decision: Decision,
    /// Of the audit record: the decision as the registry gave it, for one.
    pub(super) origin: Map<String, Value>,
    pub(super) report: Option<OutcomeReport>,
    /// What the ledger takes only once, also over a restart and for all that write to it.
    pub(super) once: Option<Once>,
}

/// What may allow one call only.
pub(super) enum Once {
    /// Secure mode: a decision.
    Decision(String),
    /// An idempotency key. A registry that answers a repeated request as it did before would pay twice.
    Key(String),
}

impl Once {
    /// The idempotency key of a call, if it has one.
    pub(super) fn key(query: &Query) -> Option<Self> {
        let key = query.context.get("idempotency_key")?.as_str()?;
        let hidden = query.redacted.as_ref();
        Some(Self::Key(
            match hidden.is_some_and(|redacted| redacted.hides("idempotency_key")) {
                // The same for every server on the ledger, as in local mode.
                true => Digest::of(key.as_bytes()).to_string(),
                false => key.to_owned(),
            },
        ))
    }

    fn stored(&self) -> String {
        match self {
            Self::Decision(id) => format!("decision {id}"),
            Self::Key(key) => format!("key {key}"),
        }
    }
}

/// Writes the decision down, and hears what becomes of what it took.
pub(super) async fn record(
    ledger: &Ledger,
    query: Query,
    checked: Checked,
) -> std::result::Result<Recorded, Refusal> {
    let Checked {
        mut decision,
        origin,
        mut report,
        once,
    } = checked;
    if query.redacted.is_some() {
        redact(&mut decision, query.digest);
    }
    let decision_id = decision.decision_id.clone();
    let (agent, policy) = (query.agent.to_string(), query.pack.to_string());
    let taken = once.as_ref().map(Once::stored);
    let evaluate = move |_: &_| Verdict {
        decision: decision.clone(),
        tool: query.tool.to_owned(),
        facts: query.facts.clone(),
        registry: Some(origin.clone()),
        charges: Vec::new(),
        idempotency_key: taken.clone(),
    };
    let recorded = ledger
        .decide(agent, policy, UsagePlan::default(), Box::new(evaluate))
        .await
        .map_err(|error| {
            if let LedgerError::KeyTaken { .. } = error {
                report.iter_mut().for_each(OutcomeReport::leave_to_another);
                return match once {
                    Some(Once::Key(_)) => RegistryError::KeyUsed.into(),
                    Some(Once::Decision(_)) | None => RegistryError::Reused(decision_id).into(),
                };
            }
            tracing::error!(%error, "no decision could be recorded");
            Refusal::new(
                RefusalCode::LedgerUnavailable,
                format!("the decision could not be recorded: {error}"),
            )
        })?;
    Ok(match report {
        Some(report) => recorded.listened_to_by(Box::new(report)),
        None => recorded,
    })
}

/// Where the tool redacts, what a registry says of a call may quote what it saw: its words go nowhere.
pub(super) fn refusal(query: &Query, error: RegistryError) -> Refusal {
    if query.redacted.is_none() || !error.quotes_the_registry() {
        return error.into();
    }
    let code = error.code();
    let message =
        format!("the registry gave no decision that counts (`{code}`); its words are redacted");
    Refusal::new(RefusalCode::Registry(code), message)
}

/// The digest of the context that the registry saw; with redacted values in it, that of the records is
/// another.
pub(super) fn sent_digest(query: &Query) -> std::result::Result<Digest, RegistryError> {
    match query.redacted {
        None => Ok(query.digest),
        Some(_) => digest_json(&Value::Object(query.context.clone()))
            .map_err(|_| RegistryError::Setup("the context cannot be digested".to_owned())),
    }
}

/// What the registry says of a call may quote what it saw, in any words: of its reasons only the codes stay.
fn redact(decision: &mut Decision, shown: Digest) {
    for reason in &mut decision.reasons {
        reason.message = format!("`{}`; the registry's words are redacted", reason.code);
        reason.details = None;
    }
    decision.context_digest = shown;
    // It was over what was replaced.
    decision.kid = None;
    decision.signature = None;
}
