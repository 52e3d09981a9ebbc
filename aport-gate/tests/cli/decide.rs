//! `decide`: what a server would say, without a trace in the ledger.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Place, Run};

fn place() -> Place {
    let place = Place::new();
    let passport = json!({
        "passport_id": "ap_bot", "spec_version": "oap/1.0", "owner_id": "o", "status": "active",
        "assurance_level": "L2", "capabilities": [{ "id": "finance.payment.refund" }], "regions": ["US"],
        "limits": { "finance.payment.refund": {
            "currency_limits": { "USD": { "max_per_tx": 5000, "daily_cap": 50000 } },
            "reason_codes": ["customer_request"],
        } },
    });
    place.write("home/passports/ap_bot.json", passport.to_string());
    place
}

fn context(amount: u64) -> Value {
    json!({
        "order_id": "o-1", "customer_id": "c-1", "amount": amount, "currency": "USD", "region": "US",
        "reason_code": "customer_request", "idempotency_key": "key-0001",
    })
}

fn decide(place: &Place, context: &str, more: &[&str]) -> Run {
    let mut arguments = vec!["decide", "finance.payment.refund.v1", "--context", context];
    arguments.extend(["--agent", "ap_bot"]);
    arguments.extend(more);
    place.run(&arguments)
}

#[test]
fn an_allow_exits_with_0_and_a_deny_with_1() {
    let place = place();
    let answer = decide(&place, &context(5000).to_string(), &["--json"]).json(0);
    assert_eq!(
        (&answer["allow"], &answer["recorded"]),
        (&json!(true), &json!(false))
    );
    assert!(
        answer["decision_id"].is_null(),
        "a preview is no decision: {answer}"
    );
    let answer = decide(&place, &context(5001).to_string(), &["--json"]).json(1);
    assert_eq!(answer["allow"], false);
    assert_eq!(answer["reasons"][0]["code"], "oap.limit_exceeded");
    assert_eq!(answer["reasons"][0]["details"]["limit"], 5000);
    let text = decide(&place, &context(5001).to_string(), &[]).exits(1);
    assert!(
        text.starts_with("deny") && text.contains("5001") && text.contains("preview"),
        "{text}"
    );
}

#[test]
fn without_a_tool_nothing_is_allowed_by_an_allowlist_of_tools() {
    let place = place();
    let file = place.home().join("passports/ap_bot.json");
    let mut passport: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for allowlist in [
        json!({ "tools": ["refund"] }),
        json!({ "tools": [] }),
        json!([]),
    ] {
        passport["mcp"] = allowlist.clone();
        std::fs::write(&file, passport.to_string()).unwrap();
        let answer = decide(&place, &context(100).to_string(), &["--json"]).json(1);
        assert_eq!(
            answer["reasons"][0]["code"], "oap.mcp_not_allowed",
            "{answer}"
        );
        assert_eq!(
            (&answer["allow"], &answer["tool_checked"]),
            (&json!(false), &json!(false))
        );
        let text = decide(&place, &context(100).to_string(), &[]).exits(1);
        assert!(text.contains("--tool"), "{text}");
        let named = decide(
            &place,
            &context(100).to_string(),
            &["--tool", "refund", "--json"],
        );
        let allowed = allowlist == json!({ "tools": ["refund"] });
        let named = named.json(i32::from(!allowed));
        assert!(
            named["tool_checked"].is_null() && named["tool"] == "refund",
            "{named}"
        );
    }
    passport["mcp"] = json!({ "servers": ["https://mcp.example.com"] });
    std::fs::write(&file, passport.to_string()).unwrap();
    decide(&place, &context(100).to_string(), &[]).exits(0);
}

#[test]
fn asking_leaves_no_trace() {
    let place = place();
    decide(&place, &context(100).to_string(), &[]).exits(0);
    let files: Vec<_> = std::fs::read_dir(place.home()).unwrap().collect();
    assert_eq!(files.len(), 1, "only the passports: {files:?}");
}

#[test]
fn the_context_comes_from_a_file_or_standard_input_as_well() {
    let place = place();
    let file = place.write("context.json", format!("\u{feff}{}", context(5000)));
    decide(&place, &format!("@{file}"), &[]).exits(0);
    let mut child = place
        .command(&[
            "decide",
            "finance.payment.refund.v1",
            "--agent",
            "ap_bot",
            "--context",
            "-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(context(5001).to_string().as_bytes())
        .unwrap();
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn explain_prints_rules_with_operands_and_results() {
    let place = place();
    let text = decide(&place, &context(5001).to_string(), &["--explain"]).exits(1);
    for said in [
        "holds   rule currency_supported",
        "fails   rule per_transaction_cap",
        "context.amount = 5001",
        "max_per_tx = 5000",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let answer = decide(&place, &context(1).to_string(), &["--explain", "--json"]).json(0);
    let steps = answer["explanation"]["steps"].as_array().unwrap();
    assert!(
        steps.iter().any(|step| step["rule"] == "daily_cap"),
        "{answer}"
    );
}

#[test]
fn what_a_server_would_refuse_is_a_denial() {
    let place = place();
    let answer = place
        .run(&[
            "decide",
            "finance.payment.refund.v1",
            "--agent",
            "ap_nobody",
            "--context",
            "{}",
            "--json",
        ])
        .json(1);
    assert_eq!(answer["reasons"][0]["code"], "oap.passport_not_found");
    place.write("home/passports/ap_bot.json", "{");
    let answer = decide(&place, "{}", &["--json"]).json(1);
    assert_eq!(answer["reasons"][0]["code"], "gate.passport_unreadable");
}

#[test]
fn questions_that_make_no_sense_are_errors() {
    let place = place();
    for (context, said) in [
        ("[1]", "object"),
        ("{", "JSON"),
        ("{\"amount\":1,\"amount\":2}", "twice"),
        ("{\"agent_id\":\"ap_other\"}", "ap_other"),
        ("{\"amount\":9007199254740993}", "2^53"),
        ("@no.such.json", "no.such.json"),
    ] {
        let error = decide(&place, context, &[]).fails();
        assert!(error.contains(said), "{context}: {error}");
    }
    let error = place
        .run(&[
            "decide",
            "no.such.pack.v1",
            "--agent",
            "ap_bot",
            "--context",
            "{}",
        ])
        .fails();
    assert!(error.contains("no.such.pack.v1"), "{error}");
    let error = place
        .run(&["decide", "finance.payment.refund.v1", "--context", "{}"])
        .fails();
    assert!(error.contains("--agent"), "{error}");
}

#[test]
fn the_agent_of_the_environment_is_asked_about() {
    let place = place();
    let output = place
        .command(&[
            "decide",
            "finance.payment.refund.v1",
            "--context",
            &context(1).to_string(),
        ])
        .env("APORT_AGENT_ID", "ap_bot")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
