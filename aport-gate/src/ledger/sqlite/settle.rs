//! The one transaction of a settlement: reservation, counters, key and outcome record.

use aport_gate_oap::Charge;
use rusqlite::{Connection, OptionalExtension};

use super::super::audit::Entry;
use super::super::error::Problem;
use super::super::reservation::{End, Settlement};
use super::{chain, counters};

/// Inside a transaction of the caller.
pub(super) fn settle(transaction: &Connection, end: &End) -> Result<(), Problem> {
    // Settling twice finds none: decision and outcome stand in the audit chain.
    let (agent, policy, charges, key): (String, String, String, Option<String>) = transaction
        .prepare_cached(
            "DELETE FROM reservations WHERE decision_id = ?1 AND state = 'pending'
             RETURNING agent, policy, charges, idempotency_key",
        )?
        .query_row([&end.decision_id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?
        .ok_or_else(|| Problem::NotPending(end.decision_id.clone()))?;
    if end.settlement == Settlement::Release {
        let taken: Vec<Charge> = serde_json::from_str(&charges).map_err(|error| {
            let id = &end.decision_id;
            Problem::Corrupt(format!(
                "the charges of decision `{id}` are not readable: {error}"
            ))
        })?;
        counters::give_back(transaction, &agent, &policy, &taken)?;
        if let Some(key) = key {
            counters::free_key(transaction, &end.decision_id, &agent, &policy, &key)?;
        }
    }
    let entry = Entry::new("outcome", Some(&end.decision_id), &end.record())?;
    chain::append(transaction, entry)?;
    Ok(())
}
