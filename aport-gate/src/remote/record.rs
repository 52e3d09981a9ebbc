//! The audit record of a registry's decision, and what of it may stand there where the tool redacts.

use aport_gate_oap::{Decision, Digest, UsagePlan, digest_json};
use serde_json::{Map, Value};

use super::error::RegistryError;
use super::outcome::OutcomeReport;
use crate::config::Security;
use crate::ledger::{Ledger, LedgerError, Recorded, Verdict};
use crate::local::Query;
use crate::refusal::{Refusal, RefusalCode};

/// A decision that counts, and where it came from.
pub(super) struct Checked {
    pub(super) decision: Decision,
    /// Of the audit record: the decision as the registry gave it, for one.
    pub(super) origin: Map<String, Value>,
    pub(super) report: Option<OutcomeReport>,
    /// What the ledger takes only once.
    pub(super) key: Option<String>,
}

/// The idempotency key of a call, as the ledger takes it: once, over a restart and for all that write to it.
/// A registry that answers a repeated request as it did before, or is made to, would pay twice.
pub(super) fn key_of(query: &Query) -> Option<String> {
    let key = query.context.get("idempotency_key")?.as_str()?;
    let hidden = query.redacted.as_ref();
    Some(
        match hidden.is_some_and(|redacted| redacted.hides("idempotency_key")) {
            // The same for every server on the ledger, as in local mode.
            true => format!("key {}", Digest::of(key.as_bytes())),
            false => format!("key {key}"),
        },
    )
}

/// Writes the decision down, and hears what becomes of what it took. A decision that is on record allows no
/// other call; in simple mode, where one more lie of the registry changes nothing, the call is another entry.
pub(super) async fn record(
    ledger: &Ledger,
    query: Query,
    checked: Checked,
    security: Security,
) -> std::result::Result<Recorded, Refusal> {
    let Checked {
        mut decision,
        mut origin,
        mut report,
        key,
    } = checked;
    if query.redacted.is_some() {
        redact(&mut decision, query.digest);
    }
    let write = |decision: Decision, origin: Map<String, Value>| {
        let (tool, facts) = (query.tool, query.facts.clone());
        let key = key.clone();
        let evaluate = move |_: &_| Verdict {
            decision: decision.clone(),
            tool: tool.to_owned(),
            facts: facts.clone(),
            registry: Some(origin.clone()),
            charges: Vec::new(),
            idempotency_key: key.clone(),
        };
        let (agent, policy) = (query.agent.to_string(), query.pack.to_string());
        ledger.decide(agent, policy, UsagePlan::default(), Box::new(evaluate))
    };
    let mut recorded = write(decision.clone(), origin.clone()).await;
    if let Err(LedgerError::DecisionTaken { decision_id, .. }) = &recorded {
        // What its first call took is that call's to settle.
        report.iter_mut().for_each(OutcomeReport::leave_to_another);
        if security == Security::Secure {
            return Err(RegistryError::Reused(decision_id.clone()).into());
        }
        origin.insert("reused".to_owned(), decision_id.as_str().into());
        decision = under_new_id(decision);
        recorded = write(decision.clone(), origin).await;
    }
    let recorded = recorded.map_err(|error| {
        if let LedgerError::KeyTaken { .. } = error {
            // A new decision gives back what it took. An old one is another call's.
            if let Some(report) = &mut report
                && !report.is_of(&decision.decision_id)
            {
                report.leave_to_another();
            }
            return RegistryError::KeyUsed.into();
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

/// A decision that is used again is another entry in the audit trail, whose record names the first.
pub(super) fn under_new_id(decision: Decision) -> Decision {
    Decision {
        decision_id: uuid::Uuid::new_v4().to_string(),
        kid: None,
        signature: None,
        ..decision
    }
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
