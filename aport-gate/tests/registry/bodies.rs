//! What is no question.

use serde_json::json;

use crate::support::{PACK, Place, question};

#[test]
fn malformed_bodies_are_refused_and_nothing_is_decided() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let path = format!("/api/verify/policy/{PACK}");
    let good = question(&agent, 1, "refund-0001").to_string();
    let duplicate = good.replacen('{', r#"{"context":{},"#, 1);
    let deep = format!(
        r#"{{"context":{}1{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\"text\"",
        "{}",
        "{\"context\":null}",
        "{\"context\":{}} {}",
        &good[..good.len() - 1],
        &duplicate,
        &deep,
        "{\"context\":{\"agent_id\":\"ap_1\",\"n\":1e999}}",
        "\u{feff}{}",
    ] {
        let cut: String = body.chars().take(60).collect();
        let answer = server.send("POST", &path, &[], Some(body));
        assert_eq!(answer.status, 400, "{cut}: {answer:?}");
        answer.fails(400, "validation_failed");
    }
    let bytes = b"\xff\xfe{}";
    let mut raw = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        server.address,
        bytes.len()
    )
    .into_bytes();
    raw.extend_from_slice(bytes);
    server.raw(&raw).unwrap().fails(400, "validation_failed");
    let huge = json!({"context": {"agent_id": agent, "note": "x".repeat(300_000)}});
    server
        .post(&path, &[], &huge)
        .fails(413, "validation_failed");
    let (_, list, _) = place.run(&["--json", "audit", "list"]);
    assert!(!list.contains("decision"), "{list}");
    server.send("POST", &path, &[], Some(&good)).is(200);
}
