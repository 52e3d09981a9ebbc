//! The verifier over real files and a real ledger.

use std::fs;
use std::path::Path;
use std::time::Duration;

use aport_gate_oap::digest_json;
use serde_json::json;

use super::*;
use crate::packs::{Given, PackOptions};

const AGENT: &str = "ap_one";
const PACK: &str = "finance.payment.refund.v1";

struct Desk {
    directory: tempfile::TempDir,
    verifier: LocalVerifier,
    ledger: Ledger,
}

impl Desk {
    fn new() -> Self {
        Self::with_options(Vec::new())
    }

    fn with_options(options: Vec<(PackId, PackOptions)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().to_owned();
        fs::create_dir(home.join("passports")).unwrap();
        fs::create_dir(home.join("packs")).unwrap();
        write_passport(&home, "active");
        let given = Given::new(Vec::new(), options).unwrap();
        let packs = PackStore::open(home.clone(), given, Duration::ZERO).unwrap();
        Self {
            verifier: LocalVerifier::new(packs, PassportFolder::new(home.join("passports"))),
            ledger: Ledger::open(&home.join("ledger.sqlite3")).unwrap(),
            directory,
        }
    }

    fn home(&self) -> &Path {
        self.directory.path()
    }

    async fn refund(&self, amount: u64, key: &str) -> Result<Decision, Refusal> {
        self.ask(PACK, json!({
            "agent_id": AGENT, "policy_id": PACK, "order_id": "ORD-1", "customer_id": "C-1",
            "amount": amount, "currency": "USD", "region": "US", "reason_code": "customer_request",
            "idempotency_key": key,
        }))
        .await
    }

    async fn ask(&self, pack: &str, context: Value) -> Result<Decision, Refusal> {
        let digest = digest_json(&context).unwrap();
        let Value::Object(context) = context else {
            unreachable!()
        };
        let query = Query {
            tool: "process_refund",
            pack: PackId::parse(pack).unwrap(),
            agent: AgentId::parse(AGENT).unwrap(),
            context,
            digest,
        };
        let recorded = self.verifier.verify(&self.ledger, query).await?;
        Ok(recorded.decision)
    }
}

fn write_passport(home: &Path, status: &str) {
    let passport = json!({
        "passport_id": AGENT, "spec_version": "oap/1.0", "owner_id": "org_1", "status": status,
        "assurance_level": "L3", "regions": ["US"],
        "capabilities": [{ "id": "finance.payment.refund" }],
        "limits": { "finance.payment.refund": {
            "currency_limits": { "USD": { "max_per_tx": 5000, "daily_cap": 50000 } },
            "reason_codes": ["customer_request"],
        } },
    });
    fs::write(home.join("passports/ap_one.json"), passport.to_string()).unwrap();
}

fn codes(decision: &Decision) -> Vec<&str> {
    decision
        .reasons
        .iter()
        .map(|reason| reason.code.as_str())
        .collect()
}

#[tokio::test]
async fn what_the_operator_waived_stands_in_the_decision_and_its_record() {
    let plain = Desk::new();
    let denied = plain.refund(6000, "key-00001").await.unwrap();
    let rule = denied.reasons[0].details.as_ref().unwrap().rule.clone();
    assert!(!denied.allow && denied.operator_options.is_none());

    let options = PackOptions::new().waive(&rule);
    let desk = Desk::with_options(vec![(PackId::parse(PACK).unwrap(), options)]);
    let allowed = desk.refund(6000, "key-00001").await.unwrap();
    assert!(allowed.allow, "{:?}", allowed.reasons);
    assert_eq!(
        allowed.operator_options.unwrap().waived_rules,
        std::slice::from_ref(&rule)
    );
    let records = desk.ledger.records(0, 10).await.unwrap();
    let recorded = &records[0].body["decision"]["operator_options"]["waived_rules"];
    assert_eq!(recorded, &json!([rule]));
}

#[tokio::test]
async fn a_pack_that_is_dropped_in_decides_and_a_removed_one_refuses() {
    let desk = Desk::new();
    let pack = "desk.ticket.close.v1";
    let context = json!({ "agent_id": AGENT });
    let missing = desk.ask(pack, context.clone()).await.unwrap_err();
    assert_eq!(missing.code(), "gate.unknown_pack");
    let file = desk.home().join("packs/mine.json");
    let document = json!({ "id": pack, "requires_capabilities": [], "evaluation_rules": [] });
    fs::write(&file, document.to_string()).unwrap();
    assert!(desk.ask(pack, context.clone()).await.unwrap().allow);
    fs::remove_file(&file).unwrap();
    let removed = desk.ask(pack, context).await.unwrap_err();
    assert_eq!(removed.code(), "gate.unknown_pack");
}

#[tokio::test]
async fn a_suspension_counts_from_the_next_decision() {
    let desk = Desk::new();
    assert!(desk.refund(100, "key-00001").await.unwrap().allow);
    write_passport(desk.home(), "suspended");
    let denied = desk.refund(100, "key-00002").await.unwrap();
    assert!(codes(&denied).contains(&"oap.passport_suspended"));
}

#[tokio::test]
async fn idempotency_keys_with_control_characters_are_refused_and_say_so() {
    let desk = Desk::new();
    for key in [
        "key\n0001",
        "key\u{0}0001",
        "key\u{7f}0001",
        "key\u{85}0001",
    ] {
        let refusal = desk.refund(100, key).await.unwrap_err();
        assert_eq!(refusal.code(), "gate.invalid_context");
        assert!(
            refusal.message().contains("control character U+00"),
            "{refusal:?}"
        );
    }
    let refusal = desk.refund(100, &"k".repeat(513)).await.unwrap_err();
    assert!(refusal.message().contains("513 bytes"), "{refusal:?}");
}
