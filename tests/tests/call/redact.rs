//! `#[redact]` from the outside: the value is in nothing that is answered, recorded, kept or logged.

use std::sync::{Arc, Mutex};

use aport_gate::{CallToolResult, Error, FactsError, Permit, PolicyFacts, Server, policy_gated};
use aport_gate_tests::in_process::{InProcess, codes, decision, gate_with, text};
use serde_json::{Value, json};

use crate::secret::{SECRET, assert_unsaid, assert_unsaid_in, limits, log_everything};

const PACK: &str = include_str!("../../policies/acme.vault.v1.json");

#[derive(Clone, Default)]
struct Vault {
    /// How permits were printed.
    seen: Arc<Mutex<Vec<String>>>,
}

#[derive(PolicyFacts)]
struct Badge {
    holder: String,
}

async fn badge(
    _vault: &Vault,
    door: &str,
    code: &Value,
    _ticket: &Option<String>,
) -> Result<Badge, FactsError> {
    let text = code.as_str().unwrap_or_default();
    let holder = match door {
        "echo" => format!("the holder of {text}"),
        "lost" => return Err(FactsError::internal(format!("https://badges/?code={code}"))),
        "told" => return Err(FactsError::for_caller(format!("no badge has {text:?}"))),
        "ruled out" => return Err(FactsError::refused(format!("no badge has {text:?}"))),
        "panic" => panic!("the badge reader is on fire"),
        _ => "ann".to_owned(),
    };
    Ok(Badge { holder })
}

/// Open a door.
#[policy_gated(
    pack = "acme.vault.v1",
    unchecked,
    context(hint = format!("of {code}")),
    facts = badge
)]
async fn open(
    #[service] vault: &Vault,
    #[permit] permit: &Permit,
    door: String,
    #[redact] code: Value,
    #[redact] ticket: Option<String>,
) -> String {
    drop((code, ticket));
    vault
        .seen
        .lock()
        .unwrap()
        .push(format!("{permit:?} {:#?}", permit.decision()));
    format!("opened {door}")
}

/// As [`open`], under the same pack.
#[policy_gated(pack = "acme.vault.v1", unchecked, context(hint = "", holder = "ann"))]
async fn knock(door: String, code: String, ticket: Option<String>) -> String {
    drop((code, ticket));
    door
}

async fn served() -> InProcess<Server<Vault>> {
    served_with(Vault::default()).await
}

async fn served_with(vault: Vault) -> InProcess<Server<Vault>> {
    log_everything();
    let (gate, home) = gate_with("acme.vault", limits(), |builder| builder.pack(PACK)).await;
    let server = Server::new(gate.clone(), vault).with_route(open);
    InProcess::serve(server, gate, home).await
}

async fn opened(served: &InProcess<Server<Vault>>, code: Value, ticket: &str) -> CallToolResult {
    let call = json!({"door": "main", "code": code, "ticket": ticket});
    served.call("open", call).await
}

#[tokio::test]
async fn a_redacted_value_is_in_no_answer_record_table_or_log() {
    let vault = Vault::default();
    let served = served_with(vault.clone()).await;
    let ticket = format!("ticket {SECRET}");
    let mut answers = vec![opened(&served, json!(SECRET), &ticket).await];
    assert_eq!(text(&answers[0]), "opened main");

    let deeper = json!({"q4711": {"zx9Q7": SECRET}});
    let wrong = format!("{SECRET} or so");
    for code in [
        json!(wrong),
        deeper.clone(),
        json!([SECRET]),
        json!(""),
        json!(true),
        json!(7),
    ] {
        let denied = opened(&served, code.clone(), "fresh ticket").await;
        assert_eq!(denied.is_error, Some(true), "{code}: {denied:?}");
        answers.push(denied);
    }
    for door in ["echo", "lost", "told", "ruled out", "panic", "attic"] {
        let call = json!({"door": door, "code": SECRET, "ticket": "another ticket"});
        answers.push(served.call("open", call).await);
    }
    // Not even read.
    let unreadable = json!({"door": "main", "code": SECRET, "ticket": deeper});
    answers.push(served.call("open", unreadable).await);
    let bell = format!("{SECRET}\u{7}");
    answers.push(opened(&served, json!(SECRET), &bell).await);

    assert_unsaid(&served, &answers).await;
    let seen = vault.seen.lock().unwrap().join("");
    assert!(seen.contains("oap.allowed"));
    assert_unsaid_in("what a permit shows", &seen);
}

#[tokio::test]
async fn a_fact_that_repeats_a_redacted_argument_is_a_digest_in_the_record_and_in_reasons() {
    let served = served().await;
    let call = json!({"door": "echo", "code": SECRET, "ticket": "t"});
    let denied = served.call("open", call).await;
    assert_eq!(codes(&denied), ["acme.holder"]);
    let record = &served.records("decision").await[0];
    let kept = record["facts"]["fields"]["holder"].as_str().unwrap();
    assert!(kept.starts_with("hmac-sha256:"), "{kept}");
    let details = &decision(&denied)["reasons"][0]["details"];
    assert_eq!(details["field"], "holder");
    assert_eq!(details["limit"], Value::Null);
}

#[tokio::test]
async fn a_look_up_that_quotes_a_redacted_argument_says_only_that_it_failed() {
    let served = served().await;
    for (door, code) in [
        ("lost", "gate.facts_unavailable"),
        ("told", "gate.facts_unavailable"),
        ("ruled out", "gate.facts_refused"),
    ] {
        let call = json!({"door": door, "code": SECRET, "ticket": "t"});
        let refused = served.call("open", call).await;
        assert_eq!(codes(&refused), [code]);
        assert!(
            text(&refused).contains("the tool redacts arguments"),
            "{}",
            text(&refused)
        );
    }
}

#[tokio::test]
async fn a_redacted_value_still_counts_and_still_pays_once() {
    let served = served().await;
    let allowed = ["oap.allowed"];
    assert_eq!(codes(&opened(&served, json!(SECRET), "one").await), allowed);
    let repeated = opened(&served, json!(SECRET), "one").await;
    assert_eq!(codes(&repeated), ["oap.idempotency_conflict"]);
    assert_eq!(codes(&opened(&served, json!(SECRET), "two").await), allowed);
    let third = opened(&served, json!(SECRET), "three").await;
    assert_eq!(codes(&third), ["oap.limit_exceeded"]);
    assert_eq!(
        codes(&opened(&served, json!("another code"), "four").await),
        allowed
    );
    let records = served.records("decision").await;
    let charged = records[0]["charges"][0]["counter"]["key"].as_str().unwrap();
    assert!(charged.starts_with("sha256:"), "{charged}");
    assert!(
        records[0]["idempotency_key"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
}

#[tokio::test]
async fn reasons_about_other_fields_still_say_what_to_do() {
    let served = served().await;
    let call = json!({"door": "attic", "code": SECRET, "ticket": "t"});
    let denied = served.call("open", call).await;
    assert_eq!(codes(&denied), ["acme.door"]);
    assert!(
        text(&denied).contains("door attic is not one of main, side"),
        "{}",
        text(&denied)
    );
}

#[tokio::test]
async fn nobody_finds_a_short_value_in_the_digest_of_the_context() {
    let served = served().await;
    opened(&served, json!("another code"), "t").await;
    let record = &served.records("decision").await[0];
    let guess = json!({
        "agent_id": "ap_tester", "policy_id": "acme.vault.v1", "door": "main", "holder": "ann",
        "code": "another code", "ticket": "t", "hint": "of \"another code\"",
    });
    let guess = aport_gate::oap::digest_json(&guess).unwrap().to_string();
    assert_ne!(record["decision"]["context_digest"], guess);
}

#[tokio::test]
async fn tools_that_share_a_counter_agree_on_what_is_redacted() {
    let (gate, _home) = gate_with("acme.vault", limits(), |builder| builder.pack(PACK)).await;
    let server = Server::new(gate, Vault::default())
        .with_route(open)
        .with_route(knock);
    let (side, _other) = tokio::io::duplex(64);
    let Err(error) = server.serve_transport(side).await else {
        panic!("it serves");
    };
    let Error::Contract { tool, problems, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(tool, "knock");
    assert!(
        problems.contains("`code` is redacted in `open` and not here"),
        "{problems}"
    );
}

/// Pay.
#[policy_gated(pack = "acme.pay.v1", unchecked)]
async fn pay(#[redact] amount: u64) -> String {
    amount.to_string()
}

#[tokio::test]
async fn a_sum_of_redacted_values_keeps_the_server_from_starting() {
    let pack = json!({
        "id": "acme.pay.v1", "name": "Payments", "version": "1.0.0",
        "requires_capabilities": ["acme.pay"],
        "counters": [{"name": "total", "kind": "sum", "of": "amount", "window": "day"}],
        "evaluation_rules": [{
            "name": "cap", "condition": "total + context.amount <= 10", "deny_code": "oap.limit_exceeded"
        }],
    });
    let set_up = |builder: aport_gate::GateBuilder| builder.pack(pack.to_string());
    let (gate, _home) = gate_with("acme.pay", json!({}), set_up).await;
    let (side, _other) = tokio::io::duplex(64);
    let server = Server::new(gate, Vault::default()).with_route(pay);
    let Err(Error::Contract { problems, .. }) = server.serve_transport(side).await else {
        panic!("it serves");
    };
    assert!(problems.contains("the ledger keeps its sum"), "{problems}");
}
