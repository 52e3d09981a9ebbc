//! Behaviour that every backend has, written once and run against each.

mod chain;
mod decide;
#[cfg(feature = "postgres")]
mod postgres;
mod scratch;
mod settle;

use std::sync::atomic::{AtomicU64, Ordering};

use aport_gate_oap::{
    AgentId, Charge, CounterKey, Decision, Digest, Outcome, PackId, Usage, UsagePlan, Window,
};
use jiff::Timestamp;

use self::scratch::{Edit, Scratch, behaviours};
use super::*;

pub(super) fn daily() -> CounterKey {
    CounterKey {
        counter: "daily_total".to_owned(),
        key: "USD".to_owned(),
        window: Window::Day,
        window_start: 0,
        window_end: 86_400,
    }
}

pub(super) fn decision(allow: bool) -> Decision {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let now = Timestamp::now();
    Decision {
        decision_id: format!("d{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        policy_id: PackId::parse("finance.payment.refund.v1").unwrap(),
        agent_id: AgentId::parse("ap_support").unwrap(),
        passport_id: None,
        owner_id: None,
        assurance_level: None,
        allow,
        outcome: if allow { Outcome::Allow } else { Outcome::Deny },
        reasons: Vec::new(),
        created_at: now,
        issued_at: now,
        expires_in: 60,
        expires_at: now,
        passport_digest: None,
        policy_hash: None,
        context_digest: Digest::of(b"{}"),
        tool: None,
        operator_options: None,
        kid: None,
        signature: None,
    }
}

pub(super) fn plan(key: Option<&str>) -> UsagePlan {
    UsagePlan {
        counters: vec![daily()],
        idempotency_key: key.map(str::to_owned),
    }
}

/// Allows when `amount` fits under `cap` and the key is new.
pub(super) fn capped(amount: i64, cap: i64, key: Option<&str>) -> Evaluate {
    let idempotency_key = key.map(str::to_owned);
    Box::new(move |usage| {
        let fits = usage.counters[&daily()]
            .checked_add(amount)
            .is_none_or(|sum| sum <= cap);
        Verdict {
            facts: None,
            registry: None,
            decision: decision(fits && !usage.key_seen),
            tool: "refund".to_owned(),
            charges: vec![Charge {
                counter: daily(),
                amount,
            }],
            idempotency_key: idempotency_key.clone(),
        }
    })
}

pub(super) async fn spend(ledger: &Ledger, amount: i64, cap: i64, key: Option<&str>) -> Recorded {
    try_spend(ledger, amount, cap, key).await.unwrap()
}

pub(super) async fn try_spend(
    ledger: &Ledger,
    amount: i64,
    cap: i64,
    key: Option<&str>,
) -> Result<Recorded, LedgerError> {
    let evaluate = capped(amount, cap, key);
    ledger
        .decide("agent".into(), "pack.v1".into(), plan(key), evaluate)
        .await
}

/// What a decision would see now.
pub(super) async fn usage(ledger: &Ledger, key: Option<&str>) -> Usage {
    let (send, receive) = std::sync::mpsc::channel();
    let evaluate = Box::new(move |usage: &Usage| {
        send.send(Usage {
            counters: usage.counters.clone(),
            key_seen: usage.key_seen,
        })
        .unwrap();
        Verdict {
            facts: None,
            registry: None,
            decision: decision(false),
            tool: "look".to_owned(),
            charges: vec![Charge {
                counter: daily(),
                amount: 1,
            }],
            idempotency_key: Some("denied".to_owned()),
        }
    });
    let recorded = ledger
        .decide("agent".into(), "pack.v1".into(), plan(key), evaluate)
        .await
        .unwrap();
    assert!(recorded.reservation.is_none());
    // The last one counts: a backend may evaluate again.
    receive.try_iter().last().unwrap()
}

pub(super) async fn total(ledger: &Ledger) -> i64 {
    usage(ledger, None).await.counters[&daily()]
}

async fn last_outcome(ledger: &Ledger) -> serde_json::Value {
    let records = ledger.records(0, 100).await.unwrap();
    records
        .into_iter()
        .rfind(|record| record.kind == "outcome")
        .unwrap()
        .body
}
