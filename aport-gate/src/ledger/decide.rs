//! The one transaction of a decision: read, evaluate, record, reserve.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aport_gate_oap::{Charge, Decision, Usage, UsagePlan};
use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::{Value, json};

use super::error::Problem;
use super::reservation::Reservation;
use super::{audit, counters};

/// What an evaluation asks the ledger to record.
pub(crate) struct Verdict {
    pub(crate) decision: Decision,
    pub(crate) tool: String,
    /// Taken only when the decision allows.
    pub(crate) charges: Vec<Charge>,
    /// Taken only when the decision allows.
    pub(crate) idempotency_key: Option<String>,
}

/// A decision whose record is durable.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) decision: Decision,
    /// Present exactly when the decision allows.
    pub(crate) reservation: Option<Reservation>,
}

pub(super) fn decide(
    connection: &mut Connection,
    agent: &str,
    policy: &str,
    plan: &UsagePlan,
    evaluate: Box<dyn FnOnce(&Usage) -> Verdict + Send>,
) -> Result<Decision, Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let usage = counters::read(&transaction, agent, policy, plan)?;
    // Everything the closure owns is dropped inside, so no panic of it reaches the thread.
    let verdict = catch_unwind(AssertUnwindSafe(|| evaluate(&usage)))
        .map_err(|panic| Problem::Evaluation(message(panic.as_ref())))?;
    let Verdict {
        decision,
        tool,
        charges,
        idempotency_key,
    } = verdict;
    let decision_id = decision.decision_id.to_string();
    let mut body = json!({ "decision": decision, "tool": tool });
    if decision.allow {
        counters::take(&transaction, agent, policy, &charges)?;
        transaction
            .prepare_cached("INSERT INTO reservations VALUES (?1, ?2, ?3, 'pending', ?4, ?5)")?
            .execute(params![
                decision_id,
                agent,
                policy,
                serde_json::to_string(&charges)?,
                idempotency_key
            ])?;
        if let Some(key) = &idempotency_key {
            counters::take_key(&transaction, agent, policy, key, &decision_id)?;
        }
        if let Some(members) = body.as_object_mut() {
            members.insert("charges".to_owned(), serde_json::to_value(&charges)?);
            members.insert("idempotency_key".to_owned(), json!(idempotency_key));
        }
    }
    audit::append(&transaction, "decision", Some(&decision_id), &body)?;
    transaction.commit()?;
    Ok(decision)
}

pub(super) fn refuse(connection: &mut Connection, record: &Value) -> Result<(), Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    audit::append(&transaction, "refusal", None, record)?;
    transaction.commit()?;
    Ok(())
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it gave no message".to_owned())
}
