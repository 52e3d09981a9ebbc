//! Inputs that must not get through: each is refused by name, none pays.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use aport_gate_tests::{
    AGENT, Answer, Home, ServerProcess, passport, refund_arguments, server_command, wait_for,
};
use serde_json::{Value, json};

fn changed(mut document: Value, changes: &Value) -> Value {
    for (field, value) in changes.as_object().unwrap() {
        document[field] = value.clone();
    }
    document
}

fn refused(answer: &Answer, named: &[&str], case: &str) {
    assert!(!answer.is_ok(), "{case}: {answer:?}");
    assert_eq!(
        answer.decision()["allow"],
        json!(false),
        "{case}: {answer:?}"
    );
    assert!(!answer.codes().is_empty(), "{case}: {answer:?}");
    for name in named {
        assert!(
            answer.text().contains(name),
            "{case}: `{name}` is not in: {}",
            answer.text()
        );
    }
    assert!(
        answer.0.get("structuredContent").is_none(),
        "{case}: {answer:?}"
    );
}

/// The refusal is for the bad input alone: without it the same server pays.
fn still_pays(home: &Home, server: &ServerProcess, meta: Option<Value>) {
    assert_eq!(home.payments(), Vec::<Value>::new());
    let answer = server.call_tool("process_refund", refund_arguments(1, "key-control"), meta);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(home.payments().len(), 1);
}

#[test]
fn an_agent_that_is_missing_malformed_or_contradictory_is_refused() {
    let home = Home::new();
    let bound = home.bound();
    let unbound = ServerProcess::spawn(home.path(), &[]);
    let long = format!("ap_{}", "a".repeat(129));
    let mut cases = vec![
        (
            "missing",
            &unbound,
            None,
            None,
            "gate.agent_id_missing",
            vec!["agent_id"],
        ),
        (
            "argument against the environment",
            &bound,
            None,
            Some(json!("ap_other")),
            "gate.agent_id_conflict",
            vec!["argument `agent_id`", "ap_other", AGENT, "APORT_AGENT_ID"],
        ),
        (
            "meta against the environment",
            &bound,
            Some(json!("ap_other")),
            None,
            "gate.agent_id_conflict",
            vec!["_meta", "ap_other", AGENT, "APORT_AGENT_ID"],
        ),
        (
            "argument against meta",
            &unbound,
            Some(json!(AGENT)),
            Some(json!("ap_other")),
            "gate.agent_id_conflict",
            vec!["argument `agent_id`", "ap_other", "_meta", AGENT],
        ),
        (
            "unknown",
            &unbound,
            None,
            Some(json!("ap_nobody")),
            "oap.passport_not_found",
            vec!["ap_nobody"],
        ),
        (
            "unknown UUID",
            &unbound,
            None,
            Some(json!("00000000-0000-4000-8000-000000000000")),
            "oap.passport_not_found",
            vec!["00000000-0000-4000-8000-000000000000"],
        ),
    ];
    for bad in [
        json!(""),
        json!("ap_"),
        json!("tester"),
        json!(long),
        json!("ap_../ap_tester"),
        json!("ap_tester\n"),
        json!("${APORT_AGENT_ID}"),
        json!(7),
        json!(null),
        json!([AGENT]),
    ] {
        for server in [&bound, &unbound] {
            cases.push((
                "malformed argument",
                server,
                None,
                Some(bad.clone()),
                "gate.agent_id_invalid",
                vec!["argument `agent_id`"],
            ));
            cases.push((
                "malformed meta",
                server,
                Some(bad.clone()),
                None,
                "gate.agent_id_invalid",
                vec!["_meta"],
            ));
        }
    }
    for (index, (case, server, meta, argument, code, named)) in cases.into_iter().enumerate() {
        let case = format!("{case}: {meta:?} {argument:?}");
        let mut arguments = refund_arguments(1, &format!("key-agent-{index}"));
        if let Some(agent) = argument {
            arguments["agent_id"] = agent;
        }
        let meta = meta.map(|agent| json!({ "io.aport/agent_id": agent }));
        let answer = server.call_tool("process_refund", arguments, meta);
        refused(&answer, &named, &case);
        assert_eq!(answer.codes(), [code], "{case}");
    }
    still_pays(&home, &unbound, Some(json!({ "io.aport/agent_id": AGENT })));
}

#[test]
fn in_secure_mode_an_agent_that_only_the_caller_names_is_refused() {
    let home = Home::new();
    let secure = ServerProcess::spawn(home.path(), &[("APORT_SECURITY", "secure")]);
    let meta = json!({ "io.aport/agent_id": AGENT });
    let answer = secure.call_tool(
        "process_refund",
        refund_arguments(1, "key-secure"),
        Some(meta),
    );
    refused(&answer, &["APORT_AGENT_ID"], "secure mode");
    assert_eq!(answer.codes(), ["gate.agent_id_unauthenticated"]);
    let envs = [("APORT_SECURITY", "secure"), ("APORT_AGENT_ID", AGENT)];
    still_pays(&home, &ServerProcess::spawn(home.path(), &envs), None);
}

#[test]
fn a_passport_that_cannot_be_relied_on_is_refused() {
    let home = Home::new();
    let server = home.bound();
    let with = |changes: Value| changed(passport(), &changes).to_string();
    let file = format!("{AGENT}.json");
    let twice = passport()
        .to_string()
        .replacen('{', r#"{"status":"suspended","#, 1);
    for (index, (case, document, named)) in [
        ("empty", String::new(), vec![file.as_str()]),
        ("not JSON", "passport".to_owned(), vec![&file]),
        (
            "cut off",
            passport().to_string()[..100].to_owned(),
            vec![&file],
        ),
        ("a list", "[]".to_owned(), vec![&file]),
        ("a key twice", twice, vec![&file, "status"]),
        (
            "spec version",
            with(json!({ "spec_version": "oap/2.0" })),
            vec![&file, "oap/2.0"],
        ),
        (
            "no spec version",
            with(json!({ "spec_version": null })),
            vec![&file, "spec_version"],
        ),
        (
            "another agent's",
            with(json!({ "passport_id": "ap_other" })),
            vec![&file, "ap_other", AGENT],
        ),
        (
            "unknown status",
            with(json!({ "status": "aktive" })),
            vec![&file, "aktive"],
        ),
        (
            "unknown assurance",
            with(json!({ "assurance_level": "L9" })),
            vec![&file, "L9"],
        ),
        (
            "expired",
            with(json!({ "expires_at": "2020-01-01T00:00:00Z" })),
            vec!["expired"],
        ),
        (
            "expiry no time",
            with(json!({ "expires_at": "soon" })),
            vec![&file, "expires_at", "soon"],
        ),
        ("draft", with(json!({ "status": "draft" })), vec!["draft"]),
        (
            "suspended",
            with(json!({ "status": "suspended" })),
            vec!["suspended"],
        ),
        (
            "revoked",
            with(json!({ "status": "revoked" })),
            vec!["revoked"],
        ),
        (
            "no capability",
            with(json!({ "capabilities": [] })),
            vec!["finance.payment.refund"],
        ),
        (
            "low assurance",
            with(json!({ "assurance_level": "L0" })),
            vec!["L0", "L2"],
        ),
        ("no limits", with(json!({ "limits": {} })), vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        home.write_passport(document);
        let key = format!("key-passport-{index}");
        let answer = server.call_tool("process_refund", refund_arguments(1, &key), None);
        refused(&answer, &named, case);
    }
    std::fs::remove_file(home.passport_file()).unwrap();
    let answer = server.call_tool("process_refund", refund_arguments(1, "key-no-file"), None);
    refused(&answer, &[AGENT], "no passport");
    home.write_passport(passport().to_string());
    still_pays(&home, &server, None);
}

#[test]
fn an_argument_that_is_missing_mistyped_unknown_or_out_of_range_is_refused() {
    let home = Home::new();
    let server = home.bound();
    for (index, (changes, named)) in [
        (json!({ "amount": 0 }), "amount"),
        (json!({ "amount": -1 }), "amount"),
        (json!({ "amount": 1.5 }), "amount"),
        (json!({ "amount": 1e300 }), "amount"),
        (json!({ "amount": 9_007_199_254_740_992_u64 }), "amount"),
        (json!({ "amount": 9_007_199_254_740_993_u64 }), "amount"),
        (json!({ "amount": u64::MAX }), "amount"),
        (json!({ "amount": "1" }), "amount"),
        (json!({ "amount": null }), "amount"),
        (json!({ "amount": [1] }), "amount"),
        (json!({ "currency": "XXX" }), "currency"),
        (json!({ "currency": "usd" }), "currency"),
        (json!({ "currency": "" }), "currency"),
        (json!({ "region": "CA" }), "region"),
        (json!({ "reason_code": "boredom" }), "reason"),
        (json!({ "order_id": 7 }), "order_id"),
        (json!({ "order_id": "" }), "order_id"),
        (json!({ "idempotency_key": "" }), "idempotency_key"),
        (json!({ "surprise": 1 }), "surprise"),
        (
            json!({ "policy_id": "code.repository.merge.v1" }),
            "policy_id",
        ),
        (json!({ "daily_total": 0 }), "daily_total"),
    ]
    .into_iter()
    .enumerate()
    {
        let arguments = changed(
            refund_arguments(1, &format!("key-argument-{index}")),
            &changes,
        );
        let answer = server.call_tool("process_refund", arguments, None);
        refused(&answer, &[named], &changes.to_string());
    }
    for field in [
        "order_id",
        "customer_id",
        "amount",
        "currency",
        "region",
        "idempotency_key",
    ] {
        let mut arguments = refund_arguments(1, "key-left-out");
        arguments.as_object_mut().unwrap().remove(field);
        refused(
            &server.call_tool("process_refund", arguments, None),
            &[field],
            field,
        );
    }
    still_pays(&home, &server, None);
}

/// Starts a server that must not start; its exit and what it said.
fn start(home: &Path, envs: &[(&str, &str)]) -> String {
    let mut child = server_command(home, envs).spawn().unwrap();
    let status = wait_for(&mut child, Duration::from_secs(30));
    let (mut output, mut errors) = (String::new(), String::new());
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut output)
        .unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    let status = status.unwrap_or_else(|| panic!("{envs:?}: it started; its log: {errors}"));
    assert!(!status.success(), "{envs:?}: {errors}");
    assert!(status.code().is_some(), "{envs:?}: it crashed: {errors}");
    assert!(!errors.contains("panicked"), "{envs:?}: {errors}");
    assert_eq!(output, "", "{envs:?}: standard output is for MCP only");
    errors
}

#[test]
fn an_empty_unexpanded_or_senseless_variable_stops_the_start_by_name() {
    let home = Home::new();
    for variable in [
        "APORT_MODE",
        "APORT_BASE_URL",
        "APORT_HOME",
        "APORT_DATABASE_URL",
        "APORT_AGENT_ID",
        "APORT_SECURITY",
        "APORT_TIMEOUT_MS",
    ] {
        for value in ["", " ", "${APORT_X}"] {
            let errors = start(home.path(), &[(variable, value)]);
            assert!(errors.contains(variable), "{variable}={value}: {errors}");
        }
    }
    for (variable, value) in [
        ("APORT_MODE", "off"),
        ("APORT_BASE_URL", "registry.example"),
        ("APORT_BASE_URL", "ftp://registry.example"),
        ("APORT_BASE_URL", "http://registry.example"),
        (
            "APORT_DATABASE_URL",
            "postgres://localhost/aport?sslmode=perhaps",
        ),
        ("APORT_DATABASE_URL", "mysql://localhost/aport"),
        ("APORT_AGENT_ID", "tester"),
        ("APORT_SECURITY", "none"),
        ("APORT_TIMEOUT_MS", "0"),
        ("APORT_TIMEOUT_MS", "5s"),
    ] {
        let errors = start(home.path(), &[(variable, value)]);
        assert!(errors.contains(variable), "{variable}={value}: {errors}");
    }
    for (variable, value) in [
        ("APORT_API_KEY", "two\nlines"),
        ("APORT_CA_FILE", "no-such-file.pem"),
        ("APORT_JWKS_FILE", "no-such-file.json"),
        ("APORT_ALLOW_HTTP", "yes"),
        ("APORT_CACHE", "yes"),
        ("APORT_CACHE_SECONDS", "31"),
    ] {
        let envs = [
            ("APORT_BASE_URL", "https://127.0.0.1:9"),
            ("APORT_CACHE", "on"),
            (variable, value),
        ];
        let errors = start(home.path(), &envs);
        assert!(errors.contains(variable), "{variable}={value}: {errors}");
        assert!(!errors.contains("two"), "the key is shown: {errors}");
    }
    assert!(
        !home.ledger().exists(),
        "a server that does not start leaves nothing behind"
    );
}

#[test]
fn a_file_in_place_of_the_home_folder_stops_the_start_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("occupied");
    std::fs::write(&file, "mine").unwrap();
    let errors = start(&file, &[]);
    assert!(
        errors.contains("occupied") && errors.contains("APORT_HOME"),
        "{errors}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_corrupted_ledger_stops_the_start_and_keeps_its_bytes() {
    let home = Home::new();
    {
        let server = home.bound();
        still_pays(&home, &server, None);
        assert!(server.leave());
    }
    let sound = std::fs::read(home.ledger()).unwrap();
    let mut scribbled = sound.clone();
    scribbled[..100].fill(b'x');
    let noise: Vec<u8> = (0..8192_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for (case, bytes) in [("scribbled header", scribbled), ("noise", noise)] {
        std::fs::write(home.ledger(), &bytes).unwrap();
        let errors = start(home.path(), &[]);
        assert!(errors.contains("ledger.sqlite3"), "{case}: {errors}");
        assert!(
            std::fs::read(home.ledger()).unwrap() == bytes,
            "{case}: the bytes changed"
        );
    }
    assert_eq!(home.payments().len(), 1);
}
