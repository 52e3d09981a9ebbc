//! What the ledger knows about a call.

use aport_gate::Ledger;
use aport_gate_tests::{Answer, Home};
use serde_json::Value;

/// All records of one kind, in order.
pub(crate) fn records(home: &Home, kind: &str) -> Vec<Value> {
    of_kind(home, kind)
        .into_iter()
        .map(|(_, body)| body)
        .collect()
}

/// With the id of the decision that each belongs to.
fn of_kind(home: &Home, kind: &str) -> Vec<(Option<String>, Value)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let ledger = Ledger::open(&home.ledger()).unwrap();
        let _ = ledger.verify().await.unwrap();
        let records = ledger.records(0, 10_000).await.unwrap();
        let of_kind = records.into_iter().filter(|record| record.kind == kind);
        of_kind
            .map(|record| (record.decision_id, record.body))
            .collect()
    })
}

/// What became of what a call took from its caps: `committed`, `released` or `held`.
pub(crate) fn settled(home: &Home, answer: &Answer) -> String {
    let id = answer.decision_id();
    let outcomes = of_kind(home, "outcome");
    let outcome = outcomes.iter().find(|(of, _)| of.as_deref() == Some(id));
    let (_, outcome) =
        outcome.unwrap_or_else(|| panic!("no outcome of {answer:?} in {outcomes:?}"));
    outcome["reservation"].as_str().unwrap().to_owned()
}
