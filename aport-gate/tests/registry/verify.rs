use std::path::Path;

use aport_gate::{DecisionVerifier, Jwks};
use serde_json::{Value, json};

use crate::support::{PACK, Place, question, refund};

#[test]
fn a_passport_issued_by_curl_works_at_once_and_limits_hold() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let answer = server.verify(&[], &question(&agent, 1200, "refund-0001"));
    assert_eq!(answer.headers["x-ratelimit-limit"], "6000");
    assert!(answer.headers.contains_key("x-aport-outcome-token"));
    let allowed = answer.is(200);
    assert_eq!(
        (&allowed["allow"], &allowed["outcome"]),
        (&json!(true), &json!("allow"))
    );
    assert_eq!(allowed["agent_id"], agent);
    assert_eq!(allowed["policy_id"], PACK);
    let denied = server.verify(&[], &question(&agent, 5001, "refund-0002"));
    assert!(!denied.headers.contains_key("x-aport-outcome-token"));
    let denied = denied.is(200);
    assert_eq!(denied["allow"], false);
    assert_eq!(denied["reasons"][0]["code"], "oap.limit_exceeded");
    assert_eq!(denied["reasons"][0]["details"]["limit"], 5000);
    let again = server
        .verify(&[], &question(&agent, 1, "refund-0001"))
        .is(200);
    assert_eq!(again["reasons"][0]["code"], "oap.idempotency_conflict");
    for _ in 0..9 {
        let key = uuid::Uuid::new_v4().to_string();
        server.verify(&[], &question(&agent, 5000, &key)).is(200);
    }
    let over = server
        .verify(&[], &question(&agent, 5000, "refund-over"))
        .is(200);
    assert_eq!(over["reasons"][0]["details"]["used"], 46_200, "{over}");
}

#[test]
fn every_decision_is_signed_by_a_published_key_at_both_places() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let answer = server
        .verify(&[], &question(&agent, 1, "refund-0001"))
        .is(200);
    let keys = server.get("/jwks.json").is(200);
    assert_eq!(keys, server.get("/.well-known/oap/jwks.json").is(200));
    let keys: Jwks = serde_json::from_value(keys).unwrap();
    let verifier = DecisionVerifier::new(&keys).unwrap();
    let mut top = answer.clone();
    let nested = top.as_object_mut().unwrap().remove("decision").unwrap();
    assert_eq!(top, nested, "both places agree");
    verifier.verify_document(&nested).unwrap();
    let mut forged = nested;
    forged["agent_id"] = "ap_other".into();
    assert!(verifier.verify_document(&forged).is_err());
    let unknown = server
        .verify(&[], &question("ap_unknown", 1, "refund-0002"))
        .is(200);
    assert_eq!(unknown["allow"], false);
    verifier.verify_document(&unknown["decision"]).unwrap();
}

/// The strict record of the SDKs up to 0.1.4 raises on any other key.
#[test]
fn the_older_shape_gets_the_fields_that_it_knows_and_no_other() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let body = json!({"agent_id": agent, "idempotency_key": "refund-0001", "context": refund(1, "refund-0001")});
    let answer = server.verify(&[], &body).is(200);
    let mut keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    keys.sort();
    let known = [
        "_meta",
        "allow",
        "assurance_level",
        "created_at",
        "decision_id",
        "expires_in",
        "passport_digest",
        "reasons",
        "signature",
    ];
    assert_eq!(keys, known);
    let keys: Jwks = serde_json::from_value(server.get("/jwks.json").is(200)).unwrap();
    let whole = &answer["_meta"]["decision"];
    DecisionVerifier::new(&keys)
        .unwrap()
        .verify_document(whole)
        .unwrap();
    assert_eq!(whole["signature"], answer["signature"]);
}

#[test]
fn decisions_have_the_shape_of_the_published_schema() {
    let Some(folder) = std::env::var_os("APORT_OAP_REFERENCE") else {
        eprintln!("skipped: APORT_OAP_REFERENCE names no folder");
        return;
    };
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let text = std::fs::read(Path::new(&folder).join("schemas/decision-schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&text).unwrap();
    for amount in [1, 5001] {
        let key = format!("refund-{amount:04}");
        let answer = server.verify(&[], &question(&agent, amount, &key)).is(200);
        let decision = &answer["decision"];
        for field in schema["required"].as_array().unwrap() {
            assert!(decision.get(field.as_str().unwrap()).is_some(), "{field}");
        }
        for (field, expected) in schema["properties"].as_object().unwrap() {
            let Some(value) = decision.get(field) else {
                continue;
            };
            let kind = match value {
                Value::String(_) => "string",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "integer",
                Value::Array(_) => "array",
                _ => "object",
            };
            assert_eq!(expected["type"], kind, "{field}");
        }
    }
}

#[test]
fn a_pack_that_is_not_here_is_no_denial_but_an_error() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let body = json!({"agent_id": agent, "context": {}});
    let path = "/api/verify/policy/acme.deploy.v1";
    server.post(path, &[], &body).fails(404, "invalid_policy");
    server
        .post("/api/verify/policy/..%2f", &[], &body)
        .fails(400, "validation_failed");
    server.get(path).fails(405, "validation_failed");
    server.get("/api").fails(404, "not_found");
}

#[test]
fn health_metrics_and_interface_are_told() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    server
        .verify(&[], &question(&agent, 1, "refund-0001"))
        .is(200);
    server
        .verify(&[], &question(&agent, 9999, "refund-0002"))
        .is(200);
    assert_eq!(server.get("/healthz").is(200)["status"], "ok");
    assert_eq!(server.get("/readyz").is(200)["status"], "ready");
    let metrics = server.get("/metrics").text;
    for line in [
        r#"aport_registry_decisions_total{pack="finance.payment.refund.v1",result="allow"} 1"#,
        r#"aport_registry_decisions_total{pack="finance.payment.refund.v1",result="deny"} 1"#,
        r#"aport_registry_ledger_seconds_count{work="decide"} 2"#,
        r#"aport_registry_breaker{of="ledger",state="closed"} 1"#,
        r#"aport_registry_breaker{of="ledger",state="open"} 0"#,
        r#"aport_registry_request_seconds_count{route="/api/verify/policy/{pack_id}"} 2"#,
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(!metrics.contains(&agent), "agents are no labels");
    let interface = server.get("/openapi.json").is(200);
    assert!(interface["paths"]["/api/verify/policy/{pack_id}"].is_object());
    // Packs that broke on disk: the last good ones go on, and it is no longer ready.
    std::fs::write(place.home().join("packs/broken.json"), "{").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1200));
    server
        .verify(&[], &question(&agent, 1, "refund-0003"))
        .is(200);
    assert_eq!(server.get("/readyz").is(503)["status"], "not_ready");
}

#[test]
fn a_new_key_is_published_before_it_signs() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let kid = |key: &str| {
        let answer = server.verify(&[], &question(&agent, 1, key)).is(200);
        answer["kid"].as_str().unwrap().to_owned()
    };
    let before = kid("refund-0001");
    assert_eq!(place.run(&["keys", "rotate"]).0, 0);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let published = loop {
        let keys = server.get("/jwks.json").is(200)["keys"].clone();
        if keys.as_array().unwrap().len() == 2 {
            break keys;
        }
        assert!(std::time::Instant::now() < end, "it is not published");
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert_ne!(published[0]["kid"], *before);
    assert_eq!(
        kid("refund-0002"),
        before,
        "nobody can know the new key yet"
    );
}
