//! Looking before calling.

use aport_gate_oap::{Pack, Passport, embedded_packs};
use serde_json::{Value, json};

use super::wire::{Fate, Wire};
use super::{AGENT, arguments};
use crate::client::{
    CallVerdict, ClientError, DecidedBy, Intention, PassportClient, PreCheck, Preview, Retry,
    Strategy,
};

const PACK: &str = "finance.payment.refund.v1";

fn passport(status: &str) -> Passport {
    let document = json!({
        "passport_id": AGENT, "kind": "instance", "spec_version": "oap/1.0",
        "owner_id": "org_shop", "owner_type": "org", "assurance_level": "L2", "status": status,
        "capabilities": [{ "id": "finance.payment.refund" }],
        "limits": { "finance.payment.refund": {
            "currency_limits": { "USD": { "max_per_tx": 5000, "daily_cap": 10000 } },
            "supported_currencies": ["USD"], "reason_codes": ["customer_request"],
        } },
        "regions": ["US"], "version": "1.0.0",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    Passport::parse(document.to_string().as_bytes()).unwrap()
}

fn digest() -> String {
    let (_, json) = embedded_packs().iter().find(|(id, _)| *id == PACK).unwrap();
    Pack::parse(json).unwrap().digest().to_string()
}

fn refund(policy: Value) -> Value {
    let text = json!({ "type": "string" });
    json!([{ "name": "refund", "_meta": { "io.aport/policy": policy }, "inputSchema": {
        "type": "object", "properties": {
            "amount": { "type": "integer" }, "order_id": text, "customer_id": text, "currency": text,
            "region": text, "idempotency_key": text,
            "reason_code": { "type": "string", "default": "customer_request" } } } }])
}

fn listed() -> Value {
    json!({ "pack": PACK, "digest": digest(), "idempotency": "idempotency_key" })
}

fn asks(amount: i64) -> rmcp::model::JsonObject {
    arguments(
        json!({ "amount": amount, "order_id": "o-1", "customer_id": "c-1", "currency": "USD",
        "region": "US", "idempotency_key": "key-00001" }),
    )
}

async fn client(wire: &Wire, check: PreCheck) -> PassportClient {
    let wire = wire.clone();
    let start = move || std::future::ready(Ok::<_, String>(wire.start()));
    let builder = PassportClient::builder(AGENT).pre_check(check);
    builder.connect_with(start).await.unwrap()
}

#[tokio::test]
async fn a_call_that_is_certain_to_be_denied_is_not_made() {
    let wire = Wire::new([]);
    wire.list(refund(listed()));
    let client = client(&wire, PreCheck::by_passport(passport("active"))).await;
    let error = client.call("refund", asks(6000)).await.unwrap_err();
    let denial = error.denial().unwrap();
    assert_eq!(denial.decided_by, DecidedBy::PreCheck);
    assert_eq!(denial.reasons[0].details.as_ref().unwrap().limit, 5000);
    assert!(!error.may_have_run() && wire.calls().is_empty(), "{error}");
    assert_eq!(client.decisions()[0].verdict, CallVerdict::DeniedBeforehand);
    // What passes here is the server's to decide.
    client.call("refund", asks(5000)).await.unwrap();
    assert_eq!(wire.calls().len(), 1);
}

#[tokio::test]
async fn an_adjustment_needs_no_call_either_and_an_allow_here_grants_nothing() {
    let wire = Wire::new([Fate::TooMuch]);
    wire.list(refund(listed()));
    let client = client(&wire, PreCheck::by_passport(passport("active"))).await;
    let retry = Retry {
        strategy: Some(Strategy::ClampToLimit),
        base_delay: std::time::Duration::from_millis(1),
        ..Retry::default()
    };
    let intention = Intention::new("refund", asks(9000));
    let reply = client.carry_out(&intention, &retry).await.unwrap();
    let by: Vec<_> = reply
        .denials
        .iter()
        .map(|denial| denial.decided_by)
        .collect();
    assert_eq!(by, [DecidedBy::PreCheck, DecidedBy::Gate]);
    assert_eq!(
        (wire.calls().len(), &reply.arguments["amount"]),
        (2, &json!(4999))
    );
}

#[tokio::test]
async fn what_only_the_server_knows_is_left_to_it() {
    let other = |member: &str, value: Value| {
        let mut policy = listed();
        policy[member] = value;
        policy
    };
    for policy in [
        other("digest", json!("sha256:00")),
        other("digest", Value::Null),
        other("pack", json!("acme.refund.v1")),
        other("facts", json!(true)),
        other("mapped", json!(["amount"])),
        other("options", json!(true)),
        json!({ "pack": 5 }),
    ] {
        let wire = Wire::new([]);
        wire.list(refund(policy.clone()));
        let client = client(&wire, PreCheck::by_passport(passport("active"))).await;
        let preview = client.preview("refund", &asks(6000)).await.unwrap();
        assert!(
            matches!(preview, Preview::Unknown { .. }),
            "{policy}: {preview:?}"
        );
        client.call("refund", asks(6000)).await.unwrap();
        assert_eq!(wire.calls().len(), 1, "{policy}");
    }
}

#[tokio::test]
async fn a_suspended_passport_is_certain_even_where_the_server_adds_facts() {
    let wire = Wire::new([]);
    let mut policy = listed();
    policy["facts"] = json!(true);
    wire.list(refund(policy));
    let client = client(&wire, PreCheck::by_passport(passport("suspended"))).await;
    let error = client.call("refund", asks(100)).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Denied(denial)
        if denial.reasons.len() == 1 && denial.has_code("oap.passport_suspended")),
        "{error:?}"
    );
    assert!(wire.calls().is_empty());
}

#[cfg(feature = "registry")]
#[tokio::test]
async fn a_registry_that_cannot_be_asked_keeps_nobody_from_calling() {
    let wire = Wire::new([]);
    wire.list(refund(listed()));
    let registry = crate::RegistryClient::builder("http://127.0.0.1:9")
        .build()
        .unwrap();
    let client = client(&wire, PreCheck::by_registry(registry)).await;
    let preview = client.preview("refund", &asks(100)).await.unwrap();
    assert!(matches!(preview, Preview::Unknown { .. }), "{preview:?}");
    client.call("refund", asks(100)).await.unwrap();
}

/// A registry that shows one passport, and counts how often.
#[cfg(feature = "registry")]
async fn registry(status: &'static str) -> (String, std::sync::Arc<std::sync::atomic::AtomicU32>) {
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let read = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            assert!(
                head.contains(&format!("/api/passports/{AGENT}/verify_view")),
                "{head}"
            );
            count.fetch_add(1, Ordering::SeqCst);
            let body = passport(status).as_value().to_string();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

#[cfg(feature = "registry")]
#[tokio::test]
async fn a_registrys_passport_is_asked_for_once_in_a_while() {
    use std::sync::atomic::Ordering;
    let wire = Wire::new([]);
    wire.list(refund(listed()));
    let (url, asked) = registry("active").await;
    let registry = crate::RegistryClient::builder(url).build().unwrap();
    let client = client(&wire, PreCheck::by_registry(registry)).await;
    for _ in 0..3 {
        let error = client.call("refund", asks(6000)).await.unwrap_err();
        assert_eq!(error.denial().unwrap().decided_by, DecidedBy::PreCheck);
    }
    client.call("refund", asks(5000)).await.unwrap();
    assert_eq!((asked.load(Ordering::SeqCst), wire.calls().len()), (1, 1));
}

#[cfg(feature = "registry")]
#[tokio::test]
async fn a_lifetime_of_zero_asks_the_registry_before_every_call() {
    use std::sync::atomic::Ordering;
    let wire = Wire::new([]);
    wire.list(refund(listed()));
    let (url, asked) = registry("active").await;
    let registry = crate::RegistryClient::builder(url).build().unwrap();
    let check = PreCheck::by_registry(registry).passport_lifetime(std::time::Duration::ZERO);
    let client = client(&wire, check).await;
    for _ in 0..3 {
        client.call("refund", asks(5000)).await.unwrap();
    }
    assert_eq!((asked.load(Ordering::SeqCst), wire.calls().len()), (3, 3));
}
