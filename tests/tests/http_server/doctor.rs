//! `aport-gate doctor` about tokens, a server over HTTP, and an issuer.

use aport_gate_tests::{AGENT, Home, HttpServerProcess};
use serde_json::{Value, json};

use crate::issuer::{Key, Published};

/// What it says about this subject: how well, and what was found and is to be done.
fn told(home: &Home, arguments: &[&str], subject: &str) -> Vec<(String, String)> {
    let run = home.operate(&[&["doctor", "--json"], arguments].concat());
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    let checks = answer["checks"].as_array().unwrap();
    let about = checks.iter().filter(|check| check["subject"] == subject);
    let said = about.map(|check| {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        (
            text("health"),
            format!("{}; {}", text("found"), text("next")),
        )
    });
    said.collect()
}

fn one(home: &Home, arguments: &[&str], subject: &str) -> (String, String) {
    let mut all = told(home, arguments, subject);
    assert_eq!(all.len(), 1, "{subject}: {all:?}");
    all.remove(0)
}

#[test]
fn it_tells_whose_tokens_there_are_and_which_are_of_no_use() {
    let home = Home::new();
    let (health, found) = one(&home, &[], "tokens");
    assert!(
        health == "ok" && found.contains("there are none"),
        "{found}"
    );
    home.add_agent("ap_other");
    for (agent, name) in [
        (AGENT, "one"),
        (AGENT, "two"),
        ("ap_other", "three"),
        (AGENT, "old"),
    ] {
        let _ = home.token(agent, name);
    }
    let _ = home.operate(&["token", "revoke", "old"]).exits(0);
    let (health, found) = one(&home, &[], "tokens");
    assert_eq!(health, "ok", "{found}");
    for part in [
        "3 tokens in force",
        "2 of `ap_tester`",
        "1 of `ap_other`",
        "1 revoked",
    ] {
        assert!(found.contains(part), "{found}");
    }
    assert!(told(&home, &[], "token").is_empty());
    let stranger = [
        "token",
        "create",
        "--agent",
        "ap_nobody",
        "--name",
        "stranger",
    ];
    let _ = home.operate(&stranger).exits(0);
    let soon = [
        "token",
        "create",
        "--agent",
        AGENT,
        "--name",
        "soon",
        "--expires",
        "2h",
    ];
    let _ = home.operate(&soon).exits(0);
    let doubts = told(&home, &[], "token");
    assert_eq!(doubts.len(), 2, "{doubts:?}");
    assert!(
        doubts[0].1.contains("`ap_nobody`, which has no passport"),
        "{doubts:?}"
    );
    assert!(doubts[1].1.contains("ends in 1 hours"), "{doubts:?}");
    for name in ["one", "two", "three", "stranger", "soon"] {
        let _ = home.operate(&["token", "revoke", name]).exits(0);
    }
    let (health, found) = one(&home, &[], "tokens");
    assert!(
        health == "warning" && found.contains("none in force"),
        "{found}"
    );
    std::fs::write(home.path().join("keys/agent-tokens.json"), "[").unwrap();
    let (health, found) = one(&home, &[], "tokens");
    assert!(
        health == "failed" && found.contains("nobody is let in"),
        "{found}"
    );
}

#[cfg(unix)]
#[test]
fn it_tells_who_may_write_the_file_of_tokens() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let _ = home.token(AGENT, "one");
    let file = home.path().join("keys/agent-tokens.json");
    for (mode, subject, expected) in [
        (0o660, "permissions", "warning"),
        (0o606, "tokens", "failed"),
    ] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let told = told(&home, &[], subject);
        let named = |(_, found): &&(String, String)| found.contains("agent-tokens.json");
        let (health, found) = told.iter().find(named).unwrap();
        assert!(
            health == expected && found.contains("chmod go-w"),
            "{found}"
        );
    }
}

#[test]
fn it_asks_a_server_as_a_caller_without_a_token_would() {
    let home = Home::new();
    let open = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    let url = open.url();
    let ask = |url: &str, subject: &str| one(&home, &["--http", url], subject);
    assert_eq!(ask(&url, "http").0, "ok");
    assert_eq!(ask(&url, "readiness").0, "ok");
    let (health, found) = ask(&url, "proof");
    assert!(
        health == "warning" && found.contains("whoever reaches it"),
        "{found}"
    );
    let _ = home.token(AGENT, "one");
    let (health, found) = ask(&url, "proof");
    assert!(
        health == "ok" && found.contains("aport-gate token"),
        "{found}"
    );
    let file = home.path().join("keys/agent-tokens.json");
    std::fs::write(&file, "[").unwrap();
    let (health, found) = ask(&url, "readiness");
    assert!(health == "failed" && found.contains("tokens: "), "{found}");
    let gone = open.url();
    drop(open);
    let (health, found) = ask(&gone, "http");
    assert!(
        health == "failed" && found.contains("nobody answers"),
        "{found}"
    );
}

#[test]
fn it_asks_the_issuer_for_its_keys_and_the_server_where_tokens_are_issued() {
    let (home, key) = (Home::new(), Key::new("k1"));
    let published = Published::start(&[&key]);
    let issuer = published.issuer();
    let arguments = ["--oauth-issuer", issuer.as_str()];
    let (health, found) = one(&home, &arguments, "issuer");
    assert!(
        health == "failed" && found.contains("--oauth-jwks"),
        "{found}"
    );
    let metadata = json!({ "issuer": issuer, "jwks_uri": published.url() });
    published.describe("/.well-known/oauth-authorization-server", metadata);
    let (health, found) = one(&home, &arguments, "issuer");
    assert!(health == "ok" && found.contains("1 key "), "{found}");
    let server = HttpServerProcess::start(&home, &arguments, &[]);
    let (health, found) = one(&home, &["--http", &server.url()], "proof");
    assert_eq!(health, "ok", "{found}");
    assert!(
        found.contains(&issuer) && found.contains(&server.url()),
        "{found}"
    );
    published.fail();
    let (health, found) = one(&home, &arguments, "issuer");
    assert!(health == "failed" && found.contains("503"), "{found}");
}
