//! The audit trail of a home, read while its owner writes it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aport_gate::{AuditRecord, Ledger};
use aport_gate_tests::Home;
use serde_json::Value;

const LONG: Duration = Duration::from_secs(60);

pub(crate) fn records(home: &Home) -> Vec<AuditRecord> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let ledger = Ledger::open(&home.ledger()).unwrap();
        let mut all: Vec<AuditRecord> = Vec::new();
        loop {
            let last = all.last().map_or(0, |record| record.sequence);
            let more = ledger.records(last, 500).await.unwrap();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    })
}

/// Decisions by their ids.
pub(crate) fn decisions(home: &Home) -> HashMap<String, Value> {
    let records = records(home).into_iter();
    records
        .filter(|record| record.kind == "decision")
        .map(|record| (record.decision_id.unwrap(), record.body["decision"].clone()))
        .collect()
}

/// The record that fits, as soon as there is one.
pub(crate) fn wait_for(home: &Home, fits: impl Fn(&AuditRecord) -> bool) -> AuditRecord {
    let begun = Instant::now();
    loop {
        if let Some(record) = records(home).into_iter().find(&fits) {
            return record;
        }
        assert!(
            begun.elapsed() < LONG,
            "no such record: {:?}",
            records(home)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How a decision was settled, once it is.
pub(crate) fn settled(home: &Home, decision_id: &str) -> String {
    let record = wait_for(home, |record| {
        record.kind == "outcome" && record.decision_id.as_deref() == Some(decision_id)
    });
    record.body["reservation"].as_str().unwrap().to_owned()
}
