//! What a run left behind: the desks' books against the audit trail.

use std::collections::HashSet;

use aport_gate::Ledger;
use aport_gate_tests::{AGENT, Home, passport};
use serde_json::{Value, json};

/// A home whose passport allows more than a test does, but no larger refund than other homes do.
pub(crate) fn home() -> Home {
    let home = Home::new();
    let mut passport = passport();
    let limits = &mut passport["limits"];
    limits["code.repository.merge"]["max_merges_per_day"] = json!(1000);
    limits["finance.payment.refund"]["currency_limits"]["USD"]["daily_cap"] = json!(1_000_000);
    let capabilities = passport["capabilities"].as_array_mut().unwrap();
    capabilities.push(json!({ "id": "acme.probe" }));
    home.write_passport(passport.to_string());
    home
}

/// The environment of a server in this home.
pub(crate) fn environment(home: &Home) -> Value {
    json!({
        "APORT_HOME": home.path(), "APORT_AGENT_ID": AGENT, "RUST_LOG": "error",
        // What a desktop client passes on: without it some systems start no program.
        "PATH": std::env::var("PATH").unwrap_or_default(),
    })
}

/// Decisions that allowed something, after a check of the whole chain.
pub(crate) async fn allowed(home: &Home) -> HashSet<String> {
    let ledger = Ledger::open(&home.ledger()).unwrap();
    let summary = ledger.verify().await.unwrap();
    let mut allowed = HashSet::new();
    let mut after = 0;
    while after < summary.records {
        for record in ledger.records(after, 500).await.unwrap() {
            after = record.sequence;
            if record.body["decision"]["allow"] == json!(true) {
                allowed.insert(record.decision_id.unwrap());
            }
        }
    }
    allowed
}

/// The bodies of the interop server's tools that ran, one entry each.
pub(crate) fn bodies(home: &Home) -> Vec<Value> {
    home.journal("interop-bodies.jsonl")
}

/// Every payment, every merge and every other body has a decision on record that allowed it.
pub(crate) async fn no_body_without_an_allow(home: &Home) {
    let allowed = allowed(home).await;
    let ran = [home.payments(), home.merges(), bodies(home)].concat();
    for done in ran {
        let decision = done["decision_id"].as_str().unwrap();
        assert!(allowed.contains(decision), "nothing allowed {done}");
    }
}
