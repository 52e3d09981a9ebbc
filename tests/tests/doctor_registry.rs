//! `aport-gate doctor` in registry mode: a registry of ours, and ones that are not what they should be.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use aport_gate_tests::{AGENT, Home, RegistryProcess};
use serde_json::{Value, json};

/// The checks of a doctor with these variables, in a home that holds nothing.
fn doctor(variables: &[(&str, &str)], code: i32) -> Vec<Value> {
    let home = tempfile::tempdir().unwrap();
    let output = Home::new()
        .operator_command(&["doctor", "--json"])
        .env("APORT_HOME", home.path().join("none"))
        .env("PATH", home.path())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    answer["checks"].as_array().unwrap().clone()
}

fn unwell(checks: &[Value]) -> Vec<&Value> {
    let unwell = |check: &&Value| check["health"] != "ok";
    checks.iter().filter(unwell).collect()
}

/// The one check that is not well, with what to do.
fn complaint(variables: &[(&str, &str)], code: i32) -> (String, String, String) {
    let checks = doctor(variables, code);
    let [check] = unwell(&checks)[..] else {
        panic!("{checks:#?}")
    };
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("subject"), text("found"), text("next"))
}

/// Answers every request with what the path is answered with, and a date.
fn fake(date: &'static str, answer: fn(&str) -> (u16, &'static str)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut length) = (String::new(), 0);
            let _ = reader.read_line(&mut first);
            for line in reader.by_ref().lines().map_while(Result::ok) {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            let _ = reader.read_exact(&mut vec![0; length]);
            let path = first.split(' ').nth(1).unwrap_or_default();
            let (status, body) = answer(path);
            let _ = write!(
                stream,
                "HTTP/1.1 {status} x\r\nconnection: close\r\ndate: {date}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    address
}

const LONG_AGO: &str = "Mon, 05 Jan 2026 00:00:00 GMT";

#[test]
fn a_registry_that_knows_server_and_agent_has_no_complaints() {
    let home = Home::new();
    let registry = RegistryProcess::start(&home, &[], &[]);
    let url = registry.url();
    let checks = doctor(&[("APORT_BASE_URL", &url), ("APORT_AGENT_ID", AGENT)], 0);
    assert_eq!(unwell(&checks), Vec::<&Value>::new(), "{checks:#?}");
    for (subject, part) in [
        ("registry", url.as_str()),
        ("registry time", "agrees"),
        ("registry keys", "publishes keys"),
        ("access", "no key"),
        ("agent", "`finance.payment.refund.v1`"),
    ] {
        let said = |check: &&Value| check["subject"] == subject;
        let check = checks.iter().find(said).unwrap();
        assert!(check["found"].as_str().unwrap().contains(part), "{check}");
    }
    // Looking is no decision: nothing is on record.
    let head = home.operator_command(&["audit", "head"]).output().unwrap();
    let head = String::from_utf8(head.stdout).unwrap();
    assert!(head.is_empty() || head.starts_with("0:"), "{head}");
}

#[test]
fn a_key_that_the_registry_does_not_take_is_a_failure() {
    let home = Home::new();
    let made = home
        .operator_command(&["registry", "key", "add", "shop"])
        .output()
        .unwrap();
    let key = String::from_utf8(made.stdout).unwrap();
    let registry = RegistryProcess::start(&home, &[], &[]);
    let url = registry.url();
    let base = ("APORT_BASE_URL", url.as_str());
    for wrong in [vec![base], vec![base, ("APORT_API_KEY", "hunter2")]] {
        let (subject, found, next) = complaint(&wrong, 1);
        assert_eq!(subject, "access");
        assert!(
            found.contains("401") && !found.contains("hunter2"),
            "{found}"
        );
        assert!(next.contains("APORT_API_KEY"), "{next}");
    }
    let checks = doctor(&[base, ("APORT_API_KEY", key.trim())], 0);
    assert_eq!(unwell(&checks), Vec::<&Value>::new());
}

#[test]
fn an_agent_that_the_registry_refuses_is_a_failure() {
    let home = Home::new();
    let registry = RegistryProcess::start(&home, &[], &[]);
    let url = registry.url();
    let base = ("APORT_BASE_URL", url.as_str());
    let (subject, found, _) = complaint(&[base, ("APORT_AGENT_ID", "ap_nobody")], 1);
    assert_eq!(subject, "agent");
    assert!(found.contains("ap_nobody"), "{found}");
    let mut passport = aport_gate_tests::passport();
    passport["status"] = json!("suspended");
    home.write_passport(passport.to_string());
    let (_, found, next) = complaint(&[base, ("APORT_AGENT_ID", AGENT)], 1);
    assert!(found.contains("suspended"), "{found}");
    assert!(next.contains("resume"), "{next}");
}

#[test]
fn a_registry_that_cannot_be_reached_is_one_failure() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{free}");
    let (subject, found, next) =
        complaint(&[("APORT_BASE_URL", &url), ("APORT_AGENT_ID", AGENT)], 1);
    assert_eq!(subject, "registry");
    assert!(
        found.contains(&url) && next.contains("APORT_BASE_URL"),
        "{found} {next}"
    );
    // One that speaks no TLS where TLS is asked for.
    let plain = fake(LONG_AGO, |_| (200, "{}"));
    let url = format!("https://{plain}");
    let (subject, found, _) = complaint(&[("APORT_BASE_URL", &url)], 1);
    assert_eq!(subject, "registry", "{found}");
    let elsewhere = fake(LONG_AGO, |_| (302, ""));
    let url = format!("http://{elsewhere}");
    let (_, found, next) = complaint(&[("APORT_BASE_URL", &url)], 1);
    assert!(
        found.contains("redirect") && next.contains("APORT_BASE_URL"),
        "{found}"
    );
}

#[test]
fn a_registry_that_does_not_answer_in_time_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let variables = [
        ("APORT_BASE_URL", url.as_str()),
        ("APORT_TIMEOUT_MS", "200"),
    ];
    let (subject, found, next) = complaint(&variables, 1);
    assert_eq!(subject, "registry");
    assert!(found.contains("no complete answer"), "{found}");
    assert!(next.contains("APORT_TIMEOUT_MS"), "{next}");
}

#[test]
fn clocks_that_are_apart_and_missing_keys_are_told() {
    let old = fake(LONG_AGO, |path| match path {
        "/.well-known/oap/jwks.json" | "/jwks.json" => (200, r#"{"keys":[]}"#),
        _ => (400, "{}"),
    });
    let url = format!("http://{old}");
    let base = ("APORT_BASE_URL", url.as_str());
    let (subject, found, next) = complaint(&[base], 1);
    assert_eq!(subject, "registry time");
    assert!(
        found.contains("behind") && next.contains("clock"),
        "{found}"
    );
    let checks = doctor(&[base, ("APORT_SECURITY", "secure")], 1);
    let subjects: Vec<&Value> = unwell(&checks)
        .iter()
        .map(|check| &check["subject"])
        .collect();
    assert_eq!(subjects, ["registry time", "registry keys"]);
}
