use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{PACK, Place, question};

const VALIDATE: &str = "/api/verify/token/validate";

#[test]
fn a_token_is_of_a_recorded_decision_and_validates_for_its_agent_and_pack_only() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let path = format!("/api/verify/token/{PACK}");
    let body = question(&agent, 10, "refund-0001");
    let answer = server.post(&path, &[], &body).is(200);
    assert_eq!(answer["allow"], true);
    let token = answer["token"].as_str().unwrap();
    let valid = server
        .post(
            VALIDATE,
            &[],
            &json!({"token": token, "agent_id": agent, "policy_id": PACK}),
        )
        .is(200);
    assert_eq!(valid["valid"], true);
    assert_eq!(valid["decision"]["decision_id"], answer["decision_id"]);
    assert_eq!(valid["decision"]["allow"], true);
    assert_eq!(valid["claims"]["sub"], agent);
    assert_eq!(valid["claims"]["aud"], PACK);
    let claims = &valid["claims"];
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((1..=30).contains(&life), "a suspension counts within 30 s");
    for wrong in [
        json!({"token": token, "agent_id": "ap_x"}),
        json!({"token": token, "policy_id": "a.v1"}),
    ] {
        server
            .post(VALIDATE, &[], &wrong)
            .fails(400, "validation_failed");
    }
    let denied = server
        .post(&path, &[], &question(&agent, 9999, "refund-0002"))
        .is(200);
    let validated = server
        .post(VALIDATE, &[], &json!({"token": denied["token"]}))
        .is(200);
    assert_eq!(
        validated["decision"]["allow"], false,
        "a token of a denial stays one"
    );
    assert_eq!(place.run(&["passport", "suspend", &agent]).0, 0);
    server
        .post(VALIDATE, &[], &json!({"token": token}))
        .fails(400, "decision_expired");
}

#[test]
fn a_token_does_not_outlive_the_passport_of_its_agent() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let path = format!("/api/verify/token/{PACK}");
    let issued = server
        .post(&path, &[], &question(&agent, 10, "refund-0001"))
        .is(200);
    let token = json!({"token": issued["token"]});
    server.post(VALIDATE, &[], &token).is(200);
    let folder = place.home().join("passports");
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_string_lossy().ends_with(".json") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    server
        .post(VALIDATE, &[], &token)
        .fails(400, "decision_expired");
}

#[test]
fn forged_tokens_do_not_count() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let path = format!("/api/verify/token/{PACK}");
    let answer = server
        .post(&path, &[], &question(&agent, 9999, "refund-0001"))
        .is(200);
    let token = answer["token"].as_str().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let open = |part: &str| -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let close = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let mut claims = open(parts[1]);
    claims["decision"]["allow"] = true.into();
    let mut none = open(parts[0]);
    none["alg"] = "none".into();
    let mut other = open(parts[0]);
    other["kid"] = "oap:owner:other".into();
    let mut kind = open(parts[0]);
    kind["typ"] = "JWT".into();
    let zero = BASE64_URL_SAFE_NO_PAD.encode([0; 64]);
    for forged in [
        format!("{}.{}.{}", parts[0], close(&claims), parts[2]),
        format!("{}.{}.", close(&none), parts[1]),
        format!("{}.{}.{}", close(&none), parts[1], parts[2]),
        format!("{}.{}.{}", close(&other), parts[1], parts[2]),
        format!("{}.{}.{}", close(&kind), parts[1], parts[2]),
        format!("{}.{}.{zero}", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        String::new(),
        "a.b.c".to_owned(),
    ] {
        let refused = server.post(VALIDATE, &[], &json!({ "token": forged }));
        assert_eq!(refused.status, 400, "{forged}: {refused:?}");
    }
    server
        .post(VALIDATE, &[], &json!({"token": 1}))
        .fails(400, "validation_failed");
}
