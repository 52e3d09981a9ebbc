use serde_json::json;

use crate::support::{Place, question};

const ID: &str = "3f0b7a6e-2f4b-4a53-9b3d-1c8f7f6f0a01";

#[test]
fn a_lost_answer_is_given_again_and_nothing_is_taken_twice_even_after_a_restart() {
    lost_answer(&Place::new());
}

#[test]
fn a_lost_answer_is_given_again_from_postgresql_too() {
    if let Some(place) = Place::on_postgresql() {
        lost_answer(&place);
        assert_eq!(place.run(&["audit", "verify"]).0, 0);
    }
}

fn lost_answer(place: &Place) {
    let mut server = place.serve(&["--dev"]);
    let agent = server.agent();
    let header = [("X-Aport-Request-Id", ID)];
    let body = question(&agent, 4000, "refund-0001");
    let first = server.verify(&header, &body);
    let token = first.headers["x-aport-outcome-token"].clone();
    let first = first.is(200);
    assert_eq!(first["allow"], true);
    assert_eq!(server.verify(&header, &body).is(200), first);
    server.kill();
    let server = place.serve(&["--dev"]);
    let again = server.verify(&header, &body);
    assert_eq!(again.headers["x-aport-outcome-token"], token);
    assert_eq!(again.is(200), first);
    let denied = server
        .verify(&[], &question(&agent, 99_999, "refund-0002"))
        .is(200);
    let reasons = denied["reasons"].as_array().unwrap();
    let daily = reasons
        .iter()
        .find(|reason| reason["details"]["rule"] == "daily_cap");
    assert_eq!(daily.unwrap()["details"]["used"], 4000);
    // Another question under the same id, and the same one after it was used.
    let other = question(&agent, 4001, "refund-0001");
    server.verify(&header, &other).fails(409, "conflict");
    let path = format!(
        "/api/verify/outcome/{}",
        first["decision_id"].as_str().unwrap()
    );
    let report = json!({"agent_id": agent, "outcome": "ok", "settlement": "commit"});
    server
        .post(&path, &[("X-Aport-Outcome-Token", &token)], &report)
        .is(200);
    server.verify(&header, &body).fails(409, "conflict");
    server
        .verify(&[("X-Aport-Request-Id", "7")], &body)
        .fails(400, "validation_failed");
}

#[test]
fn tries_at_the_same_time_get_one_decision() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let body = question(&agent, 10, "refund-0001");
    let ids: Vec<serde_json::Value> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let header = [("X-Aport-Request-Id", ID)];
                    let answer = server.verify(&header, &body).is(200);
                    assert_eq!(answer["allow"], true);
                    answer["decision_id"].clone()
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
    let (_, list, _) = place.run(&["--json", "audit", "list"]);
    assert_eq!(list.matches("\"kind\":\"decision\"").count(), 1, "{list}");
}

#[test]
fn a_suspension_counts_for_a_repeated_request_too() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let header = [("X-Aport-Request-Id", ID)];
    let body = question(&agent, 10, "refund-0001");
    server.verify(&header, &body).is(200);
    assert_eq!(place.run(&["passport", "suspend", &agent]).0, 0);
    server.verify(&header, &body).fails(409, "conflict");
}

#[test]
fn another_callers_request_of_the_same_id_is_another_request() {
    let place = Place::new();
    let one = format!("Bearer {}", place.key("one", false));
    let two = format!("Bearer {}", place.key("two", false));
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let ask = |key: &str, idempotency: &str| {
        let headers = [("X-Aport-Request-Id", ID), ("Authorization", key)];
        server
            .verify(&headers, &question(&agent, 10, idempotency))
            .is(200)
    };
    assert_ne!(
        ask(&one, "refund-0001")["decision_id"],
        ask(&two, "refund-0002")["decision_id"]
    );
}
