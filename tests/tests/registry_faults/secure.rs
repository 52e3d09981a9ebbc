//! Secure mode: only a decision that is signed, bound and current counts.

use aport_gate::{DecisionSigner, GateBuilder, Security};
use aport_gate_tests::in_process::{codes, text};
use serde_json::{Map, Value, json};

use crate::desk::{PASSPORT_DIGEST, Till, allow, at, gate, jwks, signed, signer, with_keys};
use crate::server::{Registry, Seen, Step, http, json as answer};

type Row = (&'static str, fn(&Seen) -> Map<String, Value>, &'static str);

const MISSING: &str = "gate.signature_missing";
const INVALID: &str = "gate.signature_invalid";
const UNKNOWN_KEY: &str = "gate.signing_key_unknown";
const UNBOUND: &str = "gate.decision_unbound";
const KEYS: &str = "gate.signing_keys_unavailable";

/// Answers that pass every check of simple mode.
const ROWS: &[Row] = &[
    ("no signature", allow, MISSING),
    (
        "a signature without its key's id",
        |seen| after(seen, "kid", Value::Null),
        MISSING,
    ),
    (
        "an empty signature",
        |seen| after(seen, "signature", json!("")),
        MISSING,
    ),
    (
        "another algorithm",
        |seen| after(seen, "signature", json!("hs256:AAAA")),
        MISSING,
    ),
    (
        "over other bytes",
        |seen| {
            let mut decision = allow(seen);
            decision.insert("allow".to_owned(), json!(false));
            decision.insert("outcome".to_owned(), json!("deny"));
            let mut decision = signed(decision);
            decision.insert("allow".to_owned(), json!(true));
            decision.insert("outcome".to_owned(), json!("allow"));
            decision
        },
        INVALID,
    ),
    (
        "with a field added after it",
        |seen| after(seen, "expires_at", json!(at(3600))),
        INVALID,
    ),
    (
        "all zero",
        |seen| after(seen, "signature", json!(encoded(&[0; 64]))),
        INVALID,
    ),
    (
        "all zero, in the name of an unknown key",
        |seen| {
            let mut decision = after(seen, "signature", json!(encoded(&[0; 64])));
            decision.insert("kid".to_owned(), json!("oap:registry:zero"));
            decision
        },
        UNKNOWN_KEY,
    ),
    (
        "by a key that the registry does not publish",
        |seen| {
            let mut decision = allow(seen);
            stranger().sign_document(&mut decision).unwrap();
            decision
        },
        UNKNOWN_KEY,
    ),
    (
        "by a stranger, in the name of the registry's key",
        |seen| {
            let mut decision = allow(seen);
            decision.insert("kid".to_owned(), json!(signer().kid()));
            let mut forged = decision.clone();
            stranger().sign_document(&mut forged).unwrap();
            decision.insert("signature".to_owned(), forged["signature"].clone());
            decision
        },
        INVALID,
    ),
    ("without a pack", |seen| without(seen, "policy_id"), UNBOUND),
    (
        "without an agent",
        |seen| without(seen, "agent_id"),
        UNBOUND,
    ),
    (
        "without the passport's digest",
        |seen| without(seen, "passport_digest"),
        UNBOUND,
    ),
    (
        "without an end",
        |seen| without(seen, "expires_in"),
        UNBOUND,
    ),
    (
        "for another agent",
        |seen| before(seen, "agent_id", json!("ap_other")),
        "gate.wrong_agent",
    ),
    (
        "for another request",
        |seen| before(seen, "context_digest", json!(PASSPORT_DIGEST)),
        "gate.wrong_request",
    ),
    (
        "expired an hour ago, or the clock is off by one",
        |seen| before(seen, "created_at", json!(at(-3600))),
        "gate.decision_expired",
    ),
    (
        "made in an hour, or the clock is off by one",
        |seen| before(seen, "created_at", json!(at(3600))),
        "gate.decision_not_yet_valid",
    ),
    (
        "on a passport that is not in force",
        |seen| {
            let digest = "sha256:2222222222222222222222222222222222222222222222222222222222222222";
            before(seen, "passport_digest", json!(digest))
        },
        "gate.wrong_passport",
    ),
];

/// What a registry publishes as its keys.
type KeyRow = (&'static str, fn() -> Vec<Step>, &'static str);

const KEY_ROWS: &[KeyRow] = &[
    ("they are down", || vec![http(503, "", b"")], KEYS),
    ("they never come", || vec![Step::Hang], KEYS),
    (
        "there are a million of them",
        || vec![http(200, "", &vec![b' '; 1_000_000])],
        KEYS,
    ),
    (
        "there are many of them",
        || {
            vec![answer(
                200,
                &json!({"keys": vec![signer().public_key(); 1000]}),
            )]
        },
        KEYS,
    ),
    ("they are no keys", || vec![answer(200, &json!([]))], KEYS),
    (
        "they are elsewhere",
        || vec![http(302, "location: http://127.0.0.1:1/\r\n", b"")],
        KEYS,
    ),
    (
        "it is of another type",
        || {
            let kid = signer().kid().to_owned();
            vec![answer(
                200,
                &json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": kid}]}),
            )]
        },
        UNKNOWN_KEY,
    ),
    (
        "it is of small order",
        || {
            let kid = signer().kid().to_owned();
            // The neutral element: under it, signatures that nobody made would verify.
            let x = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
            vec![answer(
                200,
                &json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid}]}),
            )]
        },
        KEYS,
    ),
    (
        "two have one id",
        || {
            let mut other = stranger().public_key();
            other.kid = Some(signer().kid().to_owned());
            vec![answer(
                200,
                &json!({"keys": [signer().public_key(), other]}),
            )]
        },
        KEYS,
    ),
];

#[tokio::test]
async fn no_decision_that_is_not_signed_bound_and_current_runs_the_body() {
    for (row, decide, code) in ROWS {
        let registry = registry(|seen| vec![answer(200, &decide(seen).into())]).await;
        let till = Till::open(secure(&registry)).await;
        let result = till.refund("key-0000001").await;
        till.assert_refused(&result, code, row).await;
    }
}

#[tokio::test]
async fn no_decision_counts_without_the_registrys_keys() {
    for (row, keys, code) in KEY_ROWS {
        let registry = Registry::answering(|seen| match seen.line.contains("jwks.json") {
            true => keys(),
            false => vec![answer(200, &signed(allow(seen)).into())],
        })
        .await;
        let till = Till::open(secure(&registry)).await;
        let result = till.refund("key-0000001").await;
        till.assert_refused(&result, code, row).await;
    }
}

#[tokio::test]
async fn a_signed_allow_of_either_shape_runs_the_body() {
    let registry = registry(|seen| match seen.before {
        0 => vec![answer(200, &signed(allow(seen)).into())],
        _ => vec![answer(200, &json!({ "decision": signed(allow(seen)) }))],
    })
    .await;
    let till = Till::open(secure(&registry)).await;
    for key in ["key-0000001", "key-0000002"] {
        let result = till.refund(key).await;
        assert_eq!(result.is_error, Some(false), "{}", text(&result));
    }
    assert_eq!(till.runs(), 2);
    assert_eq!(registry.seen_at("jwks.json").len(), 1, "keys are kept");
    let records = till.session.records("decision").await;
    let document = &records[0]["registry"]["document"];
    let keys = serde_json::from_value(jwks()).unwrap();
    let verifier = aport_gate::DecisionVerifier::new(&keys).unwrap();
    verifier.verify_document(document).unwrap();
}

#[tokio::test]
async fn a_decision_allows_one_call() {
    let registry = registry(|seen| {
        let mut decision = allow(seen);
        decision.insert(
            "decision_id".to_owned(),
            json!("00000000-0000-4000-8000-000000000000"),
        );
        vec![answer(200, &signed(decision).into())]
    })
    .await;
    let till = Till::open(secure(&registry)).await;
    assert_eq!(till.refund("key-0000001").await.is_error, Some(false));
    let again = till.refund("key-0000002").await;
    assert_eq!(codes(&again), ["gate.decision_reused"]);
    assert_eq!(till.runs(), 1);
}

#[tokio::test]
async fn a_rotated_key_is_fetched_once_and_unknown_ids_do_not_fetch_again() {
    let registry = Registry::answering(|seen| {
        if seen.line.contains("jwks.json") {
            let key = if seen.before == 0 {
                signer()
            } else {
                stranger()
            };
            return vec![answer(200, &json!({ "keys": [key.public_key()] }))];
        }
        if seen.line.contains("verify_view") {
            return vec![http(404, "", b"")];
        }
        let mut decision = allow(seen);
        match seen.before {
            0 => signer().sign_document(&mut decision).unwrap(),
            1 => stranger().sign_document(&mut decision).unwrap(),
            n => {
                decision = signed(decision);
                decision.insert("kid".to_owned(), json!(format!("oap:registry:{n}")));
            }
        }
        vec![answer(200, &decision.into())]
    })
    .await;
    let till = Till::open(secure(&registry)).await;
    for runs in [1, 2] {
        let result = till.refund(&format!("key-000000{runs}")).await;
        assert_eq!(result.is_error, Some(false), "{}", text(&result));
        assert_eq!(till.runs(), runs);
    }
    for call in 3..8 {
        let result = till.refund(&format!("key-000000{call}")).await;
        assert_eq!(codes(&result), [UNKNOWN_KEY]);
    }
    assert_eq!(registry.seen_at("jwks.json").len(), 2);
}

#[tokio::test]
async fn a_passport_that_is_shown_as_stopped_or_of_another_stops_a_signed_allow() {
    let mut views = vec![
        json!({"agent_id": "ap_other", "status": "active"}),
        json!({"status": "active", "parent_status": "suspended"}),
        json!({"status": true}),
    ];
    for status in ["suspended", "revoked", "draft", "x\ny"] {
        views.push(json!({ "status": status }));
    }
    for view in views {
        for digest in [Value::Null, json!(PASSPORT_DIGEST)] {
            let mut view = view.clone();
            view["passport_digest"] = digest;
            let row = view.to_string();
            let registry = Registry::answering(with_keys(move |seen| {
                vec![match seen.line.contains("verify_view") {
                    true => answer(200, &view),
                    false => answer(200, &signed(allow(seen)).into()),
                }]
            }))
            .await;
            let till = Till::open(secure(&registry)).await;
            let result = till.refund("key-0000001").await;
            till.assert_refused(&result, "gate.passport_unverified", &row)
                .await;
        }
    }
}

async fn registry(decide: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Registry {
    Registry::answering(with_keys(move |seen| {
        match seen.line.contains("verify_view") {
            true => vec![answer(200, &json!({"passport_digest": PASSPORT_DIGEST}))],
            false => decide(seen),
        }
    }))
    .await
}

fn secure(registry: &Registry) -> GateBuilder {
    gate(&registry.url()).security(Security::Secure)
}

fn stranger() -> DecisionSigner {
    DecisionSigner::from_seed(&[9; 32])
}

/// Changed, then signed.
fn before(seen: &Seen, field: &str, value: Value) -> Map<String, Value> {
    let mut decision = allow(seen);
    decision.insert(field.to_owned(), value);
    signed(decision)
}

fn without(seen: &Seen, field: &str) -> Map<String, Value> {
    let mut decision = allow(seen);
    decision.remove(field).unwrap();
    signed(decision)
}

/// Signed, then changed; gone where the value is null.
fn after(seen: &Seen, field: &str, value: Value) -> Map<String, Value> {
    let mut decision = signed(allow(seen));
    if value.is_null() {
        decision.remove(field);
    } else {
        decision.insert(field.to_owned(), value);
    }
    decision
}

fn encoded(signature: &[u8; 64]) -> String {
    assert_eq!(signature, &[0; 64]);
    format!("ed25519:{}==", "A".repeat(86))
}
