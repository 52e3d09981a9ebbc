//! The one transaction of a decision: read, evaluate, record, reserve.

use aport_gate_oap::Decision;
use rusqlite::{Connection, params};
use serde_json::Value;

use super::super::audit::Entry;
use super::super::backend::Ask;
use super::super::error::Problem;
use super::super::verdict::judge;
use super::{chain, counters, upkeep};

/// Inside a transaction of the caller.
pub(super) fn decide(transaction: &Connection, ask: &mut Ask) -> Result<Decision, Problem> {
    let Ask {
        agent,
        policy,
        plan,
        evaluate,
    } = ask;
    let (agent, policy) = (agent.as_str(), policy.as_str());
    let usage = counters::read(transaction, agent, policy, plan)?;
    let verdict = judge(evaluate, &usage)?;
    let decision_id = verdict.decision.decision_id.to_string();
    if verdict.decision.allow {
        let now = verdict.decision.created_at;
        upkeep::refuse_pruned(transaction, now)?;
        chain::refuse_recorded(transaction, &decision_id)?;
        counters::take(transaction, agent, policy, &verdict.charges)?;
        let ends = verdict
            .charges
            .iter()
            .map(|charge| charge.counter.window_end);
        let open_until = ends.fold(now.as_second(), i64::max);
        transaction
            .prepare_cached("INSERT INTO reservations VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6)")?
            .execute(params![
                decision_id,
                agent,
                policy,
                serde_json::to_string(&verdict.charges)?,
                verdict.idempotency_key,
                open_until
            ])?;
        if let Some(key) = &verdict.idempotency_key {
            counters::take_key(
                transaction,
                agent,
                policy,
                key,
                &decision_id,
                now.as_second(),
            )?;
        }
    }
    let entry = Entry::decision(&verdict)?;
    chain::append(transaction, entry)?;
    Ok(verdict.decision)
}

/// Inside a transaction of the caller.
pub(super) fn refuse(transaction: &Connection, record: &Value) -> Result<(), Problem> {
    chain::append(transaction, Entry::new("refusal", None, record)?)?;
    Ok(())
}
