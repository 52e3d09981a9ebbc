//! Totals per counter and window, and the idempotency keys beside them.
//!
//! A total counts what is reserved, held and committed alike: only a release gives back.

use aport_gate_oap::{Charge, CounterKey, Usage, UsagePlan, Window};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::error::Problem;

pub(super) fn read(
    transaction: &Connection,
    agent: &str,
    policy: &str,
    plan: &UsagePlan,
) -> Result<Usage, Problem> {
    let mut usage = Usage::default();
    for name in &plan.counters {
        let total = total(transaction, agent, policy, name)?;
        usage.counters.insert(name.clone(), total);
    }
    if let Some(key) = &plan.idempotency_key {
        usage.key_seen = transaction
            .prepare_cached(
                "SELECT 1 FROM idempotency_keys WHERE agent = ?1 AND policy = ?2 AND key = ?3",
            )?
            .exists(params![agent, policy, key])?;
    }
    Ok(usage)
}

/// Takes every charge, or none: the caller drops the transaction on an error.
pub(super) fn take(
    transaction: &Connection,
    agent: &str,
    policy: &str,
    charges: &[Charge],
) -> Result<(), Problem> {
    for Charge { counter, amount } in charges {
        let before = total(transaction, agent, policy, counter)?;
        // A negative charge would give room back without a release.
        let after = before
            .checked_add(*amount)
            .filter(|_| *amount >= 0)
            .ok_or_else(|| Problem::Overflow {
                counter: counter.counter.clone(),
                amount: *amount,
                total: before,
            })?;
        write(transaction, agent, policy, counter, after)?;
    }
    Ok(())
}

pub(super) fn give_back(
    transaction: &Connection,
    agent: &str,
    policy: &str,
    charges: &[Charge],
) -> Result<(), Problem> {
    for Charge { counter, amount } in charges {
        let before = total(transaction, agent, policy, counter)?;
        let after = before
            .checked_sub(*amount)
            .filter(|after| *after >= 0)
            .ok_or_else(|| {
                Problem::Corrupt(format!(
                    "counter `{}` stands at {before}, below the {amount} one reservation took",
                    counter.counter
                ))
            })?;
        write(transaction, agent, policy, counter, after)?;
    }
    Ok(())
}

pub(super) fn take_key(
    transaction: &Connection,
    agent: &str,
    policy: &str,
    key: &str,
    decision_id: &str,
    now: i64,
) -> Result<(), Problem> {
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO idempotency_keys VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?
        .execute(params![agent, policy, key, decision_id, now])?;
    if inserted == 1 {
        Ok(())
    } else {
        Err(Problem::KeyTaken(key.to_owned()))
    }
}

pub(super) fn free_key(
    transaction: &Connection,
    decision_id: &str,
    agent: &str,
    policy: &str,
    key: &str,
) -> Result<(), Problem> {
    transaction
        .prepare_cached(
            "DELETE FROM idempotency_keys
             WHERE agent = ?1 AND policy = ?2 AND key = ?3 AND decision_id = ?4",
        )?
        .execute(params![agent, policy, key, decision_id])?;
    Ok(())
}

fn total(
    transaction: &Connection,
    agent: &str,
    policy: &str,
    counter: &CounterKey,
) -> Result<i64, Problem> {
    let total = transaction
        .prepare_cached(
            "SELECT total FROM counters WHERE agent = ?1 AND policy = ?2 AND counter = ?3
             AND key = ?4 AND window = ?5 AND window_start = ?6 AND window_end = ?7",
        )?
        .query_row(
            params![
                agent,
                policy,
                counter.counter,
                counter.key,
                window(counter.window),
                counter.window_start,
                counter.window_end
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(total.unwrap_or(0))
}

fn write(
    transaction: &Connection,
    agent: &str,
    policy: &str,
    counter: &CounterKey,
    total: i64,
) -> Result<(), Problem> {
    transaction
        .prepare_cached(
            "INSERT INTO counters VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET total = excluded.total",
        )?
        .execute(params![
            agent,
            policy,
            counter.counter,
            counter.key,
            window(counter.window),
            counter.window_start,
            counter.window_end,
            total
        ])?;
    Ok(())
}

/// Stored text: a renamed variant must not move existing totals out of sight.
fn window(window: Window) -> &'static str {
    match window {
        Window::Minute => "minute",
        Window::Hour => "hour",
        Window::Day => "day",
    }
}
