//! What a server of tools or a model says that is not to be believed, or not to be printed.

use std::process::Output;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::fake::{Api, BOTH, Fake, KEY, Say, read};
use crate::{home, refund, run, said};

/// A server with one tool, each call of which is answered so. Its address.
async fn server(answer: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                while let Some((_, body)) = read(&mut stream).await {
                    let request = serde_json::from_slice(&body).unwrap_or(Value::Null);
                    let (status, body) = reply(&request, &answer);
                    let length = body.len();
                    let head = format!(
                        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
                    );
                    if stream.write_all((head + &body).as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

fn reply(request: &Value, answer: &Value) -> (u16, String) {
    let mut whole = match request["method"].as_str() {
        None => return (405, String::new()),
        Some("initialize") => json!({ "result": { "protocolVersion": "2025-06-18",
            "capabilities": { "tools": {} }, "serverInfo": { "name": "fake", "version": "1" } } }),
        Some("tools/list") => json!({ "result": { "tools": [{ "name": "process_refund",
            "description": "Pays", "inputSchema": { "type": "object", "required": [], "properties": {
                "idempotency_key": { "type": "string" } } },
            "_meta": { "io.aport/policy": { "pack": "a.b.v1", "idempotency": "idempotency_key" } } }] } }),
        Some("tools/call") => decided(request, answer.clone()),
        Some(_) if request["id"].is_null() => return (202, String::new()),
        Some(_) => json!({ "error": { "code": -32601, "message": "no such method" } }),
    };
    whole["jsonrpc"] = json!("2.0");
    whole["id"] = request["id"].clone();
    (200, whole.to_string())
}

/// A result has a decision about its call, as from every gate, unless it brings one of its own.
fn decided(request: &Value, mut answer: Value) -> Value {
    if answer["result"].is_object() && answer["result"].get("_meta").is_none() {
        let agent = &request["params"]["_meta"]["io.aport/agent_id"];
        answer["result"]["_meta"]["io.aport/decision"] = json!({ "allow": true,
            "decision_id": "dec-1", "policy_id": "a.b.v1", "agent_id": agent, "reasons": [] });
    }
    answer
}

#[tokio::test]
async fn a_result_without_a_decision_about_the_call_is_told_with_a_warning() {
    let meta = json!({ "io.aport/decision": { "allow": true, "agent_id": "ap_other",
        "policy_id": "a.b.v1", "decision_id": "dec-1" } });
    let content = json!([{ "type": "text", "text": "paid" }]);
    let url = server(json!({ "result": { "content": content, "_meta": meta } })).await;
    let script = [Say::Calls(vec![("a", "process_refund", refund(100))])];
    let fake = Fake::start(Api::OpenAi, script).await;
    run(&fake, home().path(), &["--http", &url]).await;
    let result = &fake.results()[0];
    assert_eq!(
        (&result["status"], &result["decision_match"]),
        (&json!("ok"), &json!("foreign"))
    );
    assert!(result["warning"].is_string(), "{result}");
}

fn key_used(code: &str) -> Value {
    let reason = json!({ "code": code, "message": "the key was used already" });
    let decision = json!({ "allow": false, "decision_id": "dec-0", "reasons": [reason] });
    json!({ "result": { "isError": true, "content": [{ "type": "text", "text": "Policy denied" }],
        "_meta": { "io.aport/decision": decision } } })
}

#[tokio::test]
async fn a_call_that_may_have_been_carried_out_is_never_told_as_nothing_done() {
    for answer in [
        key_used("oap.idempotency_conflict"),
        key_used("gate.idempotency_key_used"),
        json!({ "error": { "code": -32603, "message": "internal error" } }),
    ] {
        let url = server(answer.clone()).await;
        let call = |id| Say::Calls(vec![(id, "process_refund", refund(100))]);
        let fake = Fake::start(Api::OpenAi, [call("a"), call("b")]).await;
        let output = run(&fake, home().path(), &["--http", &url]).await;
        assert_eq!(fake.statuses(), ["unknown", "not_called"], "{answer}");
        let first = fake.results()[0].to_string();
        assert!(!first.contains("Nothing was done"), "{first}");
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains("look before"), "{}", said(&output));
        // What to look for, in the result and in the last word.
        let key = fake.results()[0]["idempotency_key"].clone();
        let named = format!("idempotency key `{}`", key.as_str().unwrap());
        let last = String::from_utf8_lossy(&output.stderr);
        assert!(last.contains(&named), "{named}: {last}");
        assert!(!last.contains("dec-0"), "{last}");
    }
}

async fn client(url: &str, more: &[&str], token: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aport-gate-client"));
    command.args(["--http", url]).args(more);
    command.args(["call", "process_refund", "{}"]);
    command.envs(token.map(|token| ("A_TOKEN", token)));
    command.kill_on_drop(true).output().await.unwrap()
}

fn is_clean(output: &Output) -> bool {
    !said(output).contains(|c: char| c.is_control() && c != '\n')
}

#[tokio::test]
async fn what_is_printed_cannot_steer_a_terminal() {
    let text = "first\nsecond\u{1b}]0;pwn\u{7}\u{1b}[2J\u{9b}K";
    let url = server(json!({ "result": { "content": [{ "type": "text", "text": text }] } })).await;
    let output = client(&url, &[], None).await;
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("first\nsecond") && is_clean(&output));
    for api in BOTH {
        let script = [
            Say::Calls(vec![("a", "process_refund", json!({ "x\u{9b}K": 1 }))]),
            Say::Text("one\ntwo\u{1b}[2J\r→ process_refund {} \u{9b}K"),
        ];
        let fake = Fake::start(api, script).await;
        let output = run(&fake, home().path(), &["--http", &url]).await;
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("one\ntwo") && is_clean(&output));
        let calls = said(&output).matches('→').count();
        assert_eq!(calls, 1, "{}", said(&output));
    }
}

#[tokio::test]
async fn a_key_that_the_api_quotes_is_not_shown() {
    for api in BOTH {
        let quoting = Say::Status(401, "wrong key: Bearer sk-hunter2");
        let fake = Fake::start(api, [quoting]).await;
        // It looks for the key in what was printed.
        let output = run(&fake, home().path(), &[]).await;
        assert!(said(&output).contains("wrong key"), "{}", said(&output));
        assert!(!said(&output).contains(KEY));
    }
}

#[tokio::test]
async fn a_token_that_was_not_filled_in_is_not_sent() {
    let url = server(json!({ "result": { "content": [] } })).await;
    for token in ["${TOKEN}", "", " "] {
        let output = client(&url, &["--token-env", "A_TOKEN"], Some(token)).await;
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("`A_TOKEN` is empty or holds"));
    }
    let output = client(&url, &["--token-env", "A_TOKEN"], Some("good")).await;
    assert!(output.status.success(), "{}", said(&output));
}

#[tokio::test]
async fn arguments_with_a_name_twice_are_not_called_with_either_value() {
    let twice = r#"{"order_id":"o-1","customer_id":"c-1","amount":5,"amount":9,"currency":"USD","region":"US","reason_code":"defective_product"}"#;
    let place = home();
    let calls = Say::Calls(vec![("a", "process_refund", json!(twice))]);
    let fake = Fake::start(Api::OpenAi, [calls, Say::Text("told")]).await;
    run(&fake, place.path(), &[]).await;
    let result = &fake.results()[0];
    assert_eq!(result["status"], "not_called", "{result}");
    assert!(
        result["text"]
            .as_str()
            .unwrap()
            .contains("`amount` appears twice"),
        "{result}"
    );
    assert_eq!(crate::refunds(place.path()), 0);

    let body = r#"{"id":"m","type":"message","role":"assistant","model":"m","stop_reason":"tool_use",
        "content":[{"type":"tool_use","id":"a","name":"process_refund","input":{"amount":5,"amount":9}}]}"#;
    let fake = Fake::start(Api::Anthropic, [Say::Body(body)]).await;
    let output = run(&fake, place.path(), &[]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("amount` appears twice"),
        "{}",
        said(&output)
    );
    assert_eq!(crate::refunds(place.path()), 0);
}

fn failed(outcome: Value) -> Value {
    let decision = json!({ "allow": true, "decision_id": "dec-1", "reasons": [] });
    json!({ "result": { "isError": true, "content": [{ "type": "text", "text": "the bank hung up" }],
        "_meta": { "io.aport/decision": decision, "io.aport/outcome": outcome } } })
}

#[tokio::test]
async fn an_allowed_call_that_failed_is_settled_only_where_nothing_was_executed() {
    for (answer, statuses, code) in [
        (failed(Value::Null), ["unknown", "not_called"], 1),
        // The tool is listed as guarded, and what its gate said was lost on the way.
        (
            json!({ "result": { "isError": true, "_meta": {},
                "content": [{ "type": "text", "text": "the bank hung up" }] } }),
            ["unknown", "not_called"],
            1,
        ),
        (
            failed(json!({ "outcome": "error", "reservation": "held" })),
            ["unknown", "not_called"],
            1,
        ),
        (
            failed(json!({ "outcome": "error", "reservation": "released" })),
            ["failed", "failed"],
            0,
        ),
    ] {
        let url = server(answer.clone()).await;
        let call = |id| Say::Calls(vec![(id, "process_refund", refund(100))]);
        let fake = Fake::start(Api::OpenAi, [call("a"), call("b")]).await;
        let output = run(&fake, home().path(), &["--http", &url]).await;
        assert_eq!(fake.statuses(), statuses, "{answer}");
        assert!(fake.results()[0].to_string().contains("the bank hung up"));
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    }
}
