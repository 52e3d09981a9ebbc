use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Place, Server, question};

const HEADER: &str = "x-aport-outcome-token";

fn allowed(server: &Server, agent: &str, amount: u64, key: &str) -> (String, String) {
    let answer = server.verify(&[], &question(agent, amount, key));
    let token = answer.headers[HEADER].clone();
    let id = answer.is(200)["decision_id"].as_str().unwrap().to_owned();
    (id, token)
}

fn report(server: &Server, id: &str, token: &str, agent: &str, what: [&str; 2]) -> Answer {
    let body = json!({"agent_id": agent, "outcome": what[0], "settlement": what[1]});
    let path = format!("/api/verify/outcome/{id}");
    server.post(&path, &[("X-Aport-Outcome-Token", token)], &body)
}

/// What the ledger counts for the day, as a denial tells it.
fn used(server: &Server, agent: &str) -> Value {
    let key = uuid::Uuid::new_v4().to_string();
    let answer = server
        .verify(&[], &question(agent, 1_000_000, &key))
        .is(200);
    let reasons = answer["reasons"].as_array().unwrap().clone();
    let daily = reasons
        .iter()
        .find(|reason| reason["details"]["rule"] == "daily_cap");
    daily.unwrap()["details"]["used"].clone()
}

#[test]
fn what_a_decision_took_outlives_its_request_and_is_settled_by_a_report() {
    settled_by_report(&Place::new());
}

#[test]
fn what_a_decision_took_is_settled_by_a_report_in_postgresql_too() {
    if let Some(place) = Place::on_postgresql() {
        settled_by_report(&place);
        assert_eq!(place.run(&["audit", "verify"]).0, 0);
    }
}

fn settled_by_report(place: &Place) {
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let (first, first_token) = allowed(&server, &agent, 1000, "refund-0001");
    assert_eq!(
        used(&server, &agent),
        1000,
        "the request ended, the reservation did not"
    );
    let (second, second_token) = allowed(&server, &agent, 500, "refund-0002");
    let (third, third_token) = allowed(&server, &agent, 30, "refund-0003");
    let answer = report(&server, &first, &first_token, &agent, ["ok", "commit"]).is(200);
    assert_eq!(
        answer,
        json!({"decision_id": first, "outcome": "ok", "settlement": "commit"})
    );
    report(
        &server,
        &second,
        &second_token,
        &agent,
        ["error", "release"],
    )
    .is(200);
    report(&server, &third, &third_token, &agent, ["panicked", "hold"]).is(200);
    assert_eq!(used(&server, &agent), 1030);
    // The key of what was given back is free; that of what was committed is not.
    allowed(&server, &agent, 1, "refund-0002");
    let again = server
        .verify(&[], &question(&agent, 1, "refund-0001"))
        .is(200);
    assert_eq!(again["allow"], false);
}

#[test]
fn an_equal_report_is_answered_again_and_another_is_refused() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let (id, token) = allowed(&server, &agent, 1000, "refund-0001");
    report(&server, &id, &token, &agent, ["ok", "commit"]).is(200);
    report(&server, &id, &token, &agent, ["ok", "commit"]).is(200);
    report(&server, &id, &token, &agent, ["error", "release"]).fails(409, "conflict");
    report(&server, &id, &token, &agent, ["ok", "hold"]).fails(409, "conflict");
    assert_eq!(used(&server, &agent), 1000);
}

#[test]
fn nobody_settles_what_was_not_given_to_them() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let (agent, other) = (server.agent(), server.agent());
    let (id, token) = allowed(&server, &agent, 1000, "refund-0001");
    let (_, of_other) = allowed(&server, &other, 1, "refund-0001");
    let release = ["error", "release"];
    let mut flipped = token.clone().into_bytes();
    flipped[0] = if flipped[0] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for forged in [
        "",
        "x",
        of_other.as_str(),
        flipped.as_str(),
        &token[..token.len() - 2],
    ] {
        report(&server, &id, forged, &agent, release).fails(403, "forbidden");
    }
    report(&server, &id, &token, &other, release).fails(403, "forbidden");
    let path = format!("/api/verify/outcome/{id}");
    let body = json!({"agent_id": agent, "outcome": "error", "settlement": "release"});
    server.post(&path, &[], &body).fails(403, "forbidden");
    let unknown = uuid::Uuid::new_v4().to_string();
    report(&server, &unknown, &token, &agent, release).fails(403, "forbidden");
    for what in [
        ["fine", "commit"],
        ["ok", "give"],
        ["ok", "release"],
        ["panicked", "release"],
    ] {
        report(&server, &id, &token, &agent, what).fails(400, "validation_failed");
    }
    assert_eq!(used(&server, &agent), 1000);
}

#[test]
fn a_report_after_a_restart_counts_and_a_late_one_holds() {
    let place = Place::new();
    let mut server = place.serve(&["--dev"]);
    let agent = server.agent();
    let (id, token) = allowed(&server, &agent, 1000, "refund-0001");
    let (late, late_token) = allowed(&server, &agent, 200, "refund-0002");
    server.kill();
    let server = place.serve(&["--dev"]);
    report(&server, &id, &token, &agent, ["error", "release"]).is(200);
    assert_eq!(used(&server, &agent), 200);
    drop(server);
    let server = place.serve(&["--dev", "--settle-within", "1"]);
    std::thread::sleep(Duration::from_millis(1100));
    let release = ["error", "release"];
    report(&server, &late, &late_token, &agent, release).fails(409, "conflict");
    report(&server, &late, &late_token, &agent, release).fails(409, "conflict");
    assert_eq!(used(&server, &agent), 200, "it is held");
    let (code, text, _) = place.run(&["audit", "show", &late]);
    assert!(code == 0 && text.contains("held"), "{text}");
    assert_eq!(place.run(&["audit", "verify"]).0, 0);
}

#[test]
fn what_nobody_reports_is_held_and_on_record() {
    let place = Place::new();
    let server = place.serve(&["--dev", "--settle-within", "1"]);
    let agent = server.agent();
    let (id, token) = allowed(&server, &agent, 1000, "refund-0001");
    let end = Instant::now() + Duration::from_secs(60);
    while !place.run(&["audit", "show", &id]).1.contains("held") {
        assert!(Instant::now() < end, "nobody wrote it down");
        std::thread::sleep(Duration::from_millis(200));
    }
    let release = ["error", "release"];
    report(&server, &id, &token, &agent, release).fails(409, "conflict");
    assert_eq!(used(&server, &agent), 1000);
}
