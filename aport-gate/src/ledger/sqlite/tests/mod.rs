//! What only a file can do: be foreign, damaged, old, full, copied, pruned, or gone.

mod backup;
mod faults;
mod group;
mod migrate;
mod open;
mod prune;

use std::path::{Path, PathBuf};

use aport_gate_oap::{Usage, Window};
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;

use crate::ledger::tests::{capped, daily, decision, plan, spend, total, usage};
use crate::ledger::{BodyOutcome, Ledger, LedgerError, Retention, Settlement};

struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("ledger.db")
    }

    fn open(&self) -> Ledger {
        Ledger::open(&self.file()).unwrap()
    }

    fn raw(&self, sql: &str) {
        Connection::open(self.file())
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    }
}

fn refused(path: &Path) -> LedgerError {
    let error = Ledger::open(path).unwrap_err();
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    error
}

/// A decision of this time that charges the day it is in.
async fn spend_at(
    ledger: &Ledger,
    now: &str,
    amount: i64,
    cap: i64,
    key: Option<&str>,
) -> Result<bool, LedgerError> {
    let now: Timestamp = now.parse().unwrap();
    let (window_start, window_end) = Window::Day.bounds(now);
    let mut counter = daily();
    (counter.window_start, counter.window_end) = (window_start, window_end);
    let mut wanted = plan(key);
    wanted.counters = vec![counter.clone()];
    let key = key.map(str::to_owned);
    let evaluate = move |usage: &Usage| {
        let allow = usage.counters[&counter] + amount <= cap && !usage.key_seen;
        let mut decision = decision(allow);
        decision.created_at = now;
        crate::ledger::Verdict {
            facts: None,
            registry: None,
            decision,
            tool: "refund".to_owned(),
            charges: vec![aport_gate_oap::Charge {
                counter: counter.clone(),
                amount,
            }],
            idempotency_key: key.clone(),
        }
    };
    let recorded = ledger
        .decide("agent".into(), "pack.v1".into(), wanted, Box::new(evaluate))
        .await?;
    let allow = recorded.decision.allow;
    if let Some(mut reservation) = recorded.reservation {
        reservation.start();
        reservation
            .settle(BodyOutcome::Ok, Settlement::Commit)
            .await?;
    }
    Ok(allow)
}
