//! A registry that repeats what this server shows it alone: the API key, the token of a report.

use aport_gate::oap::{AgentId, digest_json};
use aport_gate::{RegistryClient, Security};
use aport_gate_tests::in_process::{TESTER, codes, text};
use serde_json::{Value, json};

use crate::desk::{Till, allow, gate, signed, with_keys};
use crate::server::{Registry, Seen, Step, http, json as answer};

/// Nothing of a secret is in what the caller gets, or in the records.
async fn assert_kept_secret(till: &Till, said: &str, row: &str) {
    assert!(!said.contains("hunter2"), "{row}: {said}");
    for kind in ["decision", "refusal", "outcome"] {
        for record in till.session.records(kind).await {
            assert!(!record.to_string().contains("hunter2"), "{row}: {record}");
        }
    }
}

#[tokio::test]
async fn a_registry_that_repeats_the_key_in_a_refusal_tells_nobody() {
    // As an escape in JSON it is the same text.
    let escaped = r#"{"message": "bad key-\u0068unter2"}"#;
    let nested = r#"{"error": {"message": "bad Bearer key-hunter2"}}"#;
    let named = r#"{"key-hunter2": 1, "key-hunter2": 2}"#;
    // It would be cut in the middle of the key.
    let long = format!(r#"{{"message": "{}key-hunter2"}}"#, "x".repeat(111));
    for body in [escaped, nested, named, &long] {
        for status in [200, 302, 401, 403, 404, 429, 500] {
            let reply = http(status, "", body.as_bytes());
            let registry = Registry::answering(move |_| vec![reply.clone()]).await;
            let till = Till::open(gate(&registry.url())).await;
            let refused = till.refund("key-0000001").await;
            let (row, said) = (format!("{status} {body}"), format!("{refused:?}"));
            assert_eq!(till.runs(), 0, "{row}");
            assert!(!said.contains("key-h"), "{row}: {said}");
            assert_kept_secret(&till, &said, &row).await;
        }
    }
}

/// Under every field that takes words.
fn repeating(seen: &Seen, allows: bool) -> Value {
    let key = seen.headers["authorization"].clone();
    let mut decision = allow(seen);
    let said = json!([{
        "code": key, "message": format!("{key}, x-token-hunter2."), "details": {&key: ["token-hunter2"]},
    }]);
    for (field, value) in [
        ("allow", json!(allows)),
        ("outcome", json!(if allows { "allow" } else { "deny" })),
        ("reasons", said),
        ("owner_id", json!(key)),
        ("decision_id", json!("id-of-key-hunter2")),
        ("x-registry", json!({"key": key})),
    ] {
        decision.insert(field.to_owned(), value);
    }
    decision.into()
}

fn with_token(status: u16, body: &Value) -> Vec<Step> {
    let token = "x-aport-outcome-token: token-hunter2\r\n";
    vec![http(status, token, body.to_string().as_bytes())]
}

#[tokio::test]
async fn a_decision_that_repeats_key_and_token_is_kept_without_them() {
    for (status, allows) in [(200, true), (200, false), (403, false)] {
        let registry = Registry::answering(move |seen| match seen.line.contains("/outcome/") {
            true => vec![answer(200, &json!({}))],
            false => with_token(status, &repeating(seen, allows)),
        })
        .await;
        let till = Till::open(gate(&registry.url())).await;
        let result = till.refund("key-0000001").await;
        let row = format!("{status} {allows}");
        assert_eq!(result.is_error, Some(!allows), "{row}: {}", text(&result));
        assert_eq!(till.runs(), u32::from(allows), "{row}");
        let decisions = till.session.records("decision").await;
        assert_eq!(decisions.len(), 1, "{row}");
        let decision = decisions[0].to_string();
        assert!(decision.contains("[redacted]"), "{row}: {decision}");
        assert_kept_secret(&till, &format!("{result:?}"), &row).await;
    }
}

#[tokio::test]
async fn an_id_that_holds_the_key_is_refused_without_it() {
    for (field, code) in [
        ("policy_id", "gate.wrong_policy"),
        ("agent_id", "gate.wrong_agent"),
        ("tool", "gate.wrong_request"),
        ("outcome", "gate.bad_decision"),
    ] {
        let registry = Registry::answering(move |seen| {
            let mut decision = allow(seen);
            decision.insert(field.to_owned(), json!("is-key-hunter2"));
            with_token(200, &decision.into())
        })
        .await;
        let till = Till::open(gate(&registry.url())).await;
        let refused = till.refund("key-0000001").await;
        till.assert_refused(&refused, code, field).await;
        assert_kept_secret(&till, &format!("{refused:?}"), field).await;
    }
}

#[tokio::test]
async fn a_signature_counts_over_what_was_sent_and_is_not_kept_where_a_secret_was() {
    for forged in [false, true] {
        let registry = Registry::answering(with_keys(move |seen| {
            if seen.line.contains("/verify_view") {
                return vec![http(404, "", b"")];
            }
            let mut decision = allow(seen);
            let digest = digest_json(&seen.body["context"]).unwrap();
            decision.insert("context_digest".to_owned(), json!(digest));
            decision.insert("owner_id".to_owned(), json!("org-key-hunter2"));
            let mut decision = signed(decision);
            if forged {
                decision.insert("owner_id".to_owned(), json!("org-key-hunter22"));
            }
            vec![answer(200, &decision.into())]
        }))
        .await;
        let till = Till::open(gate(&registry.url()).security(Security::Secure)).await;
        let result = till.refund("key-0000001").await;
        if forged {
            assert_eq!(codes(&result), ["gate.signature_invalid"]);
            assert_eq!(till.runs(), 0);
        } else {
            assert_eq!(result.is_error, Some(false), "{}", text(&result));
            let record = till.session.records("decision").await[0].to_string();
            assert!(record.contains("org-[redacted]"), "{record}");
            assert!(!record.contains("\"signature\":\""), "{record}");
        }
        assert_kept_secret(&till, &format!("{result:?}"), "signed").await;
    }
}

#[tokio::test]
async fn a_client_of_the_other_services_sees_no_key_either() {
    let registry = Registry::answering(|seen| {
        let status = if seen.before == 0 { 200 } else { 401 };
        let message = seen.headers["authorization"].clone();
        vec![answer(status, &json!({"error": {"message": message}}))]
    })
    .await;
    let client = RegistryClient::builder(registry.url())
        .api_key("key-hunter2")
        .build()
        .unwrap();
    let agent = AgentId::parse(TESTER).unwrap();
    let view = client.verify_view(&agent).await.unwrap();
    assert_eq!(view["error"]["message"], "Bearer [redacted]");
    let refused = client.verify_view(&agent).await.unwrap_err();
    assert!(refused.to_string().contains("[redacted]"), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
}
