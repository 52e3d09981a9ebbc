use serde_json::json;

use crate::support::{Place, question};

fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

#[test]
fn administration_needs_an_administrators_key_that_is_in_force() {
    let place = Place::new();
    let admin = place.key("root", true);
    let desk = place.key("desk", false);
    let revoked = place.key("old", true);
    place.run(&["registry", "key", "revoke", "old"]);
    let server = place.serve(&[]);
    let order = json!({"owner_id": "o", "capabilities": []});
    let issue = |headers: &[(&str, &str)]| server.post("/api/passports", headers, &order);
    issue(&[]).fails(401, "unauthorized");
    for value in [
        bearer("apgk_wrong"),
        bearer(&revoked),
        bearer(""),
        format!("Basic {admin}"),
        admin.clone(),
        format!("Bearer {admin} {admin}"),
    ] {
        issue(&[("Authorization", &value)]).fails(401, "unauthorized");
    }
    issue(&[
        ("Authorization", &bearer(&admin)),
        ("Authorization", &bearer(&admin)),
    ])
    .fails(401, "unauthorized");
    issue(&[("X-Api-Key", &admin)]).fails(401, "unauthorized");
    issue(&[("Authorization", &bearer(&desk))]).fails(403, "forbidden");
    let issued = issue(&[("Authorization", &bearer(&admin))]).is(201);
    assert_eq!(
        issued["limits"],
        json!({}),
        "what is not granted is not allowed"
    );
    let path = format!(
        "/api/passports/{}/status",
        issued["agent_id"].as_str().unwrap()
    );
    let suspend = json!({"status": "suspended"});
    server.post(&path, &[], &suspend).fails(401, "unauthorized");
    server
        .post(&path, &[("Authorization", &bearer(&desk))], &suspend)
        .fails(403, "forbidden");
    server
        .post(&path, &[("Authorization", &bearer(&admin))], &suspend)
        .is(200);
    // A revocation counts while it serves.
    place.run(&["registry", "key", "revoke", "root"]);
    issue(&[("Authorization", &bearer(&admin))]).fails(401, "unauthorized");
}

#[test]
fn once_callers_have_keys_decisions_need_one() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    server
        .verify(&[], &question(&agent, 1, "refund-0001"))
        .is(200);
    let key = place.key("desk", false);
    let body = question(&agent, 1, "refund-0002");
    server.verify(&[], &body).fails(401, "unauthorized");
    server.get("/metrics").fails(401, "unauthorized");
    server
        .verify(&[("Authorization", &bearer(&key))], &body)
        .is(200);
    server.get("/jwks.json").is(200);
    place.run(&["registry", "key", "revoke", "desk"]);
    let revoked = server.verify(&[("Authorization", &bearer(&key))], &body);
    revoked.fails(401, "unauthorized");
    // Revoking the last key opens nothing.
    server.verify(&[], &body).fails(401, "unauthorized");
}

#[test]
fn the_first_start_shows_one_key_once_and_stores_none() {
    let place = Place::new();
    let told = place.serve(&[]).stop();
    let line = told
        .lines()
        .find(|line| line.contains("administrator's key"))
        .unwrap();
    let key = line.rsplit(' ').next().unwrap();
    assert!(key.starts_with("apgk_"), "{told}");
    let again = place.serve(&[]);
    let order = json!({"owner_id": "o", "capabilities": []});
    again
        .post("/api/passports", &[("Authorization", &bearer(key))], &order)
        .is(201);
    let told = again.stop();
    assert!(
        !told.contains("administrator's key") && !told.contains(key),
        "{told}"
    );
    let stored = std::fs::read_to_string(place.home().join("keys/registry-keys.json")).unwrap();
    assert!(!stored.contains(key), "{stored}");
    let (code, list, _) = place.run(&["registry", "key", "list"]);
    assert!(
        code == 0 && list.contains("admin") && !list.contains("apgk_"),
        "{list}"
    );
}

#[test]
fn others_are_not_served_without_tls_and_keys() {
    let place = Place::new();
    let refused = |arguments: &[&str]| {
        let mut all = vec!["registry"];
        all.extend(arguments);
        let (code, _, errors) = place.run(&all);
        assert_eq!(code, 2, "{errors}");
        errors
    };
    assert!(refused(&["--listen", "0.0.0.0:0"]).contains("--behind-tls"));
    let errors = refused(&["--listen", "0.0.0.0:0", "--behind-tls"]);
    assert!(errors.contains("registry key add"), "{errors}");
    assert!(refused(&["--listen", "0.0.0.0:0", "--dev"]).contains("--dev"));
    refused(&["--dev", "--behind-tls"]);
}

#[test]
fn behind_tls_decisions_need_a_key_even_here() {
    let place = Place::new();
    let admin = place.key("root", true);
    let server = place.serve(&["--behind-tls"]);
    let body = question("ap_1", 1, "refund-0001");
    server.verify(&[], &body).fails(401, "unauthorized");
    let host = ("Host", "registry.example.com");
    server
        .verify(&[host, ("Authorization", &bearer(&admin))], &body)
        .is(200);
}

/// A page in a browser on this machine must neither ask nor change anything.
#[test]
fn web_pages_are_kept_out() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let order = json!({"owner_id": "o", "capabilities": []});
    let own = format!("http://{}", server.address);
    for headers in [
        [("Host", "evil.example"), ("X-A", "b")],
        [("Host", "127.0.0.1.evil.example"), ("X-A", "b")],
        [("Origin", "https://evil.example"), ("X-A", "b")],
        [("Origin", "null"), ("X-A", "b")],
    ] {
        server
            .post("/api/passports", &headers, &order)
            .fails(403, "forbidden");
    }
    server
        .send("GET", "/jwks.json", &[("Host", "evil.example")], None)
        .fails(403, "forbidden");
    let text = [("Content-Type", "text/plain")];
    server
        .post("/api/passports", &text, &order)
        .fails(415, "validation_failed");
    server
        .post("/api/passports", &[("Origin", &own)], &order)
        .is(201);
    let local = format!("localhost:{}", server.address.port());
    server
        .send("GET", "/jwks.json", &[("Host", &local)], None)
        .is(200);
}

#[test]
fn one_agents_requests_are_bounded_and_others_go_on() {
    let place = Place::new();
    let server = place.serve(&["--dev", "--rate-limit", "5"]);
    let (one, other) = (server.agent(), server.agent());
    let mut answers = Vec::new();
    for number in 0..8 {
        let key = format!("refund-{number:04}");
        answers.push(server.verify(&[], &question(&one, 1, &key)));
    }
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        5
    );
    let refused = answers.pop().unwrap();
    assert_eq!(refused.headers["x-ratelimit-remaining"], "0");
    assert!(refused.headers["retry-after"].parse::<u64>().unwrap() >= 1);
    let body = refused.fails(429, "rate_limit_exceeded");
    assert_eq!(body["rate_limit_info"]["limit"], 5);
    server
        .verify(&[], &question(&other, 1, "refund-0001"))
        .is(200);
}

/// Else whoever asks for agents that are none could write records without end.
#[test]
fn questions_about_agents_that_nobody_knows_count_against_who_asks() {
    let place = Place::new();
    let server = place.serve(&["--rate-limit", "5"]);
    let answers: Vec<u16> = (0..8)
        .map(|number| {
            let stranger = format!("ap_stranger_{number}");
            let body = question(&stranger, 1, "refund-0001");
            server.verify(&[], &body).status
        })
        .collect();
    assert_eq!(answers, [200, 200, 200, 200, 200, 429, 429, 429]);
}

#[test]
fn an_answer_tells_how_many_requests_are_left() {
    let place = Place::new();
    let admin = format!("Bearer {}", place.key("root", true));
    let server = place.serve(&["--dev", "--rate-limit", "50"]);
    let agent = server.agent();
    let admin = [("Authorization", admin.as_str())];
    let order = json!({"owner_id": "o", "capabilities": []});
    let status = format!("/api/passports/{agent}/status");
    let token = format!("/api/verify/token/{}", crate::support::PACK);
    let body = question(&agent, 1, "refund-0001");
    let issued = server.post(&token, &[], &body);
    let shown = json!({ "token": issued.json()["token"] });
    for answer in [
        issued,
        server.verify(&[], &question(&agent, 1, "refund-0002")),
        server.post("/api/verify/token/validate", &[], &shown),
        server.post("/api/passports", &admin, &order),
        server.post(&status, &admin, &json!({"status": "suspended"})),
        server.get(&format!("/api/passports/{agent}/verify_view")),
    ] {
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        let header = |name: &str| answer.headers[name].parse::<u64>().unwrap();
        assert_eq!(header("x-ratelimit-limit"), 50);
        assert!(header("x-ratelimit-remaining") < 50, "{answer:?}");
        assert!(header("x-ratelimit-reset") > 1_700_000_000, "{answer:?}");
    }
}
