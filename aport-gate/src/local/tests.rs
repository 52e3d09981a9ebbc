//! The verifier over real files and a real ledger.

use std::fs;
use std::path::Path;
use std::time::Duration;

use aport_gate_oap::digest_json;
use serde_json::json;

use super::*;
#[cfg(feature = "testing")]
use crate::ledger::{BodyOutcome, Settlement};
use crate::packs::{Given, PackOptions};
use crate::signing::{DecisionVerifier, Jwks};

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

    fn signing(mut self) -> Self {
        self.verifier.signer = Some(KeyInForce::Fixed(Arc::new(DecisionSigner::from_seed(
            &[7; 32],
        ))));
        self
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
            verifier: LocalVerifier::new(packs, PassportFolder::new(home.join("passports")), None),
            ledger: Ledger::open(&home.join("ledger.sqlite3")).unwrap(),
            directory,
        }
    }

    fn home(&self) -> &Path {
        self.directory.path()
    }

    async fn refund(&self, amount: u64, key: &str) -> Result<Decision, Refusal> {
        self.ask(PACK, refund_context(amount, key)).await
    }

    #[cfg(feature = "testing")]
    /// A refund that was paid out: what it took stays taken.
    async fn settled_refund(&self, amount: u64, key: &str) -> Decision {
        let recorded = self
            .verify(PACK, refund_context(amount, key))
            .await
            .unwrap();
        if let Some(mut reservation) = recorded.reservation {
            reservation.start();
            let paid = reservation.settle(BodyOutcome::Ok, Settlement::Commit);
            paid.await.unwrap();
        }
        recorded.decision
    }

    async fn ask(&self, pack: &str, context: Value) -> Result<Decision, Refusal> {
        Ok(self.verify(pack, context).await?.decision)
    }

    async fn verify(&self, pack: &str, context: Value) -> Result<Recorded, Refusal> {
        let digest = digest_json(&context).unwrap();
        let Value::Object(context) = context else {
            unreachable!()
        };
        let query = Query {
            tool_pack: crate::tool_pack::ToolPack {
                id: pack.to_owned().leak(),
                digest: None,
                json: None,
            },
            tool: "process_refund",
            pack: PackId::parse(pack).unwrap(),
            agent: AgentId::parse(AGENT).unwrap(),
            context,
            digest,
            facts: None,
            redacted: None,
            without_facts: false,
        };
        self.verifier.verify(&self.ledger, query).await
    }
}

fn refund_context(amount: u64, key: &str) -> Value {
    json!({
        "agent_id": AGENT, "policy_id": PACK, "order_id": "ORD-1", "customer_id": "C-1",
        "amount": amount, "currency": "USD", "region": "US", "reason_code": "customer_request",
        "idempotency_key": key,
    })
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

#[tokio::test]
async fn allows_and_denials_are_signed_as_they_are_recorded_and_answered() {
    let desk = Desk::new().signing();
    let keys = Jwks {
        keys: vec![DecisionSigner::from_seed(&[7; 32]).public_key()],
    };
    let verifier = DecisionVerifier::new(&keys).unwrap();
    for (amount, key, allow) in [(100, "key-00001", true), (6000, "key-00002", false)] {
        let decision = desk.refund(amount, key).await.unwrap();
        assert_eq!(decision.allow, allow);
        verifier.verify(&decision).unwrap();
    }
    // A reservation that is dropped settles, so outcomes stand between the decisions.
    let records = desk.ledger.records(0, 10).await.unwrap();
    let decisions: Vec<_> = records
        .iter()
        .filter(|record| record.kind == "decision")
        .collect();
    assert_eq!(decisions.len(), 2);
    for record in decisions {
        verifier.verify_document(&record.body["decision"]).unwrap();
    }
}

#[tokio::test]
async fn decisions_are_not_signed_unless_asked_for() {
    let decision = Desk::new().refund(100, "key-00001").await.unwrap();
    assert!(decision.kid.is_none() && decision.signature.is_none());
}

#[test]
fn a_decision_that_cannot_be_signed_allows_nothing() {
    let now = jiff::Timestamp::now();
    let unsafe_number = Reason {
        code: "oap.allowed".to_owned(),
        message: "too exact".to_owned(),
        details: Some(aport_gate_oap::ReasonDetails {
            used: Some(json!(9_007_199_254_740_993_u64)),
            ..Default::default()
        }),
    };
    let mut verdict = Verdict {
        facts: None,
        registry: None,
        decision: Decision {
            decision_id: "d1".to_owned(),
            policy_id: PackId::parse(PACK).unwrap(),
            agent_id: AgentId::parse(AGENT).unwrap(),
            passport_id: None,
            owner_id: None,
            assurance_level: None,
            allow: true,
            outcome: Outcome::Allow,
            reasons: vec![unsafe_number],
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
        },
        tool: "t".to_owned(),
        charges: Vec::new(),
        idempotency_key: Some("k".to_owned()),
    };
    sign(&DecisionSigner::from_seed(&[7; 32]), &mut verdict);
    assert!(!verdict.decision.allow && verdict.decision.outcome == Outcome::Deny);
    assert!(verdict.idempotency_key.is_none() && verdict.decision.signature.is_some());
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn a_clock_across_midnight_and_back_opens_no_spent_day() {
    let mut desk = Desk::new();
    for (number, now, allowed) in [
        (0, "2026-11-23T23:59:59.9Z", 10),
        (1, "2026-11-24T00:00:00Z", 10),
        (2, "2026-11-23T23:59:58Z", 0),
        (3, "2026-11-24T00:00:01Z", 0),
        (4, "2026-11-25T00:00:00Z", 10),
    ] {
        let clock = crate::testing::ManualClock::at(now);
        desk.verifier.clock = crate::clock::Clock::Manual(clock);
        // The cap of a day is ten times the most that one refund may have.
        for refund in 0..12 {
            let decision = desk
                .settled_refund(5000, &format!("key-{number}-{refund:05}"))
                .await;
            assert_eq!(decision.allow, refund < allowed, "{now} {refund}");
        }
    }
}
