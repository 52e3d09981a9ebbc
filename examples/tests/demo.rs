//! The demonstration and the `call` command, as a user runs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use std::process::{Command, Output};

use serde_json::{Value, json};

const STEPS: [&str; 8] = [
    "tools_listed",
    "merge_allowed",
    "refund_allowed",
    "refund_over_limit_denied",
    "refund_adjusted",
    "suspended_agent_denied",
    "suspended_meanwhile_denied",
    "audit_verified",
];
const DEMO_AGENT: &str = "ap_a2d10232c6534523812423eec8a1425c";

fn client(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aport-gate-client"));
    command.args([
        "--server",
        env!("CARGO_BIN_EXE_aport-gate-server"),
        "--json",
    ]);
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_string_lossy();
        if ["APORT_", "GITHUB_", "STRIPE_"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            command.env_remove(variable);
        }
    }
    command.args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn every_step_of_the_demonstration_goes_as_expected_each_time() {
    for _ in 0..2 {
        let output = client(&[]);
        let report = json(&output);
        for (step, name) in report["steps"].as_array().unwrap().iter().zip(STEPS) {
            assert_eq!(
                (&step["name"], &step["ok"]),
                (&json!(name), &json!(true)),
                "{step:#}"
            );
        }
        assert_eq!(report["steps"].as_array().unwrap().len(), STEPS.len());
        assert_eq!(output.status.code(), Some(0));

        let detail = |name: &str| {
            let position = STEPS.iter().position(|step| *step == name).unwrap();
            report["steps"][position]["detail"].clone()
        };
        let text = detail("refund_allowed")["text"]
            .as_str()
            .unwrap()
            .to_owned();
        for part in [
            "Decision ID: ",
            DEMO_AGENT,
            "5000",
            "USD",
            "ORD-1001",
            "simulated",
        ] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
        assert_eq!(detail("refund_adjusted")["arguments"]["amount"], 50_000);
        assert!(detail("audit_verified")["records"].as_u64() >= Some(10));
    }
}

#[test]
fn call_adjusts_to_the_limit_and_refuses_without_retry() {
    let home = tempfile::tempdir().unwrap();
    let passports = home.path().join("passports");
    std::fs::create_dir(&passports).unwrap();
    let file = format!("{DEMO_AGENT}.json");
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("passports")
        .join(&file);
    std::fs::copy(shipped, passports.join(&file)).unwrap();
    let arguments = json!({
        "order_id": "ORD-1", "customer_id": "CUS-1", "amount": 70_000, "currency": "USD",
        "region": "US", "idempotency_key": "key-00001",
    })
    .to_string();
    let home = home.path().to_str().unwrap();
    let call = ["call", "process_refund", &arguments, "--home", home];

    let output = client(&call);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(json(&output)["outcome"], "denied");

    let output = client(&[&call[..], &["--retry-on-denial", "1"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(json(&output)["arguments"]["amount"], 50_000);

    // What is wrong with the arguments is for who calls to correct, not for who issues passports.
    let unused = arguments.replace("key-00001", "key-00002");
    for (right, wrong) in [("key-00002", "r1"), ("USD", "usd")] {
        let malformed = unused.replace(right, wrong);
        let output = client(&["call", "process_refund", &malformed, "--home", home]);
        let report = json(&output);
        assert_eq!(report["outcome"], "denied", "{report}");
        assert_eq!(
            report["next"], "correct the arguments, as its reasons say",
            "{report}"
        );
    }

    let unknown = client(&[&call[..], &["--agent", "ap_nobody"]].concat());
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
}

/// The fields of what `call --json` prints, sorted.
const REPORT: [&str; 12] = [
    "arguments",
    "decision",
    "decision_match",
    "denial",
    "denials",
    "idempotency_key",
    "may_have_run",
    "next",
    "outcome",
    "structured",
    "text",
    "tool",
];

/// A server over HTTP that answers each request in this way.
fn answering(answer: fn(&Value) -> Option<Value>) -> String {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut length, mut line) = (0, String::new());
                while reader.read_line(&mut line).unwrap_or(0) > 2 {
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
                // Without an answer the connection is closed, and nobody knows what became of it.
                let Some(given) = answer(&asked) else { return };
                let body = given.to_string();
                let mut stream = stream;
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
            });
        }
    });
    url
}

fn of_the_older_protocol(asked: &Value) -> Option<Value> {
    let result = match asked["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
            "serverInfo": { "name": "fake", "version": "1" },
        }),
        "tools/list" => {
            let schema = json!({ "type": "object" });
            let policy = json!({ "io.aport/policy": { "pack": "a.b.v1" } });
            json!({ "tools": [
                { "name": "pay", "inputSchema": schema },
                { "name": "gated", "inputSchema": schema, "_meta": policy },
            ] })
        }
        "tools/call" if asked["params"]["name"] == "gated" => {
            let mut result = json!({ "content": [{ "type": "text", "text": "paid" }] });
            if let Some(agent) = asked["params"]["arguments"]["as"].as_str() {
                result["_meta"]["io.aport/decision"] = json!({ "allow": true, "decision_id": "d-1",
                    "agent_id": agent, "policy_id": "a.b.v1", "reasons": [] });
            }
            result
        }
        "tools/call" if asked["params"]["name"] == "failing" => {
            let error = json!({ "code": -32603, "message": "boom" });
            return Some(json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error }));
        }
        "tools/call" if asked["params"]["name"] == "pay" => return None,
        "tools/call" => json!({
            "isError": true, "content": [{ "type": "text", "text": "Policy check failed: away" }],
            "_meta": { "io.aport/decision": {
                "allow": false, "reasons": [{ "code": "gate.ledger_unavailable", "message": "away" }],
            } },
        }),
        "notifications/initialized" => json!({}),
        _ => {
            let error = json!({ "code": -32601, "message": "no such method" });
            return Some(json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error }));
        }
    };
    Some(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result }))
}

#[test]
fn a_call_is_reported_in_one_shape_whatever_became_of_it() {
    let home = tempfile::tempdir().unwrap();
    let passports = home.path().join("passports");
    std::fs::create_dir(&passports).unwrap();
    let file = format!("{DEMO_AGENT}.json");
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("passports")
        .join(&file);
    std::fs::copy(shipped, passports.join(&file)).unwrap();
    let home = home.path().to_str().unwrap();
    let merge = json!({"repository": "my-org/my-repo", "pr_number": 7}).to_string();
    let refund = json!({
        "order_id": "ORD-1", "customer_id": "CUS-1", "amount": 70_000, "currency": "USD",
        "region": "US", "idempotency_key": "key-00001",
    })
    .to_string();
    let here = |tool: &str, arguments: &str| client(&["call", tool, arguments, "--home", home]);
    let fake = |tool: &str| {
        let url = answering(of_the_older_protocol);
        Command::new(env!("CARGO_BIN_EXE_aport-gate-client"))
            .args(["--json", "call", tool, "--http", &url])
            .env_remove("APORT_AGENT_ID")
            .output()
            .unwrap()
    };
    for (output, outcome, code, allow, may_have_run) in [
        (
            here("merge_pull_request", &merge),
            "ok",
            0,
            json!(true),
            true,
        ),
        // The simulated host has merged it already.
        (
            here("merge_pull_request", &merge),
            "tool_error",
            1,
            json!(true),
            false,
        ),
        (
            here("process_refund", &refund),
            "denied",
            1,
            json!(false),
            false,
        ),
        (
            here("process_refund", "{}"),
            "unavailable",
            1,
            json!(false),
            false,
        ),
        (
            here("no_such_tool", "{}"),
            "protocol_error",
            1,
            json!(null),
            false,
        ),
        (fake("other"), "unavailable", 1, json!(false), false),
        (fake("pay"), "uncertain", 3, json!(null), true),
        (fake("failing"), "uncertain", 3, json!(null), true),
    ] {
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let report = json(&output);
        let mut fields: Vec<&str> = report
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        fields.sort_unstable();
        assert_eq!(fields, REPORT, "{report}");
        assert_eq!(report["outcome"], outcome, "{report}");
        assert_eq!(report["decision"]["allow"], allow, "{report}");
        assert_eq!(report["may_have_run"], may_have_run, "{report}");
        assert_eq!(report["next"].is_null(), outcome == "ok", "{report}");
        assert_eq!(report["denial"].is_null(), allow != false, "{report}");
        assert_ne!(report["text"], "", "{report}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

/// The client against a server over HTTP that this file makes up.
fn against(more: &[&str]) -> Output {
    let url = answering(of_the_older_protocol);
    Command::new(env!("CARGO_BIN_EXE_aport-gate-client"))
        .args(["--http", &url])
        .args(more)
        .env_remove("APORT_AGENT_ID")
        .output()
        .unwrap()
}

#[test]
fn an_uncertain_call_names_its_key_and_ends_with_3() {
    let arguments = r#"{"idempotency_key":"order-7"}"#;
    let call = ["call", "pay", arguments];
    let text = against(&call);
    assert_eq!(text.status.code(), Some(3), "{text:?}");
    let told = String::from_utf8_lossy(&text.stderr);
    assert!(
        told.contains("`order-7`") && told.contains("`aport-gate audit list --key order-7`"),
        "{told}"
    );
    let report = json(&against(&[&call[..], &["--json"]].concat()));
    assert_eq!(report["idempotency_key"], "order-7", "{report}");
    assert_eq!(
        report["arguments"]["idempotency_key"], "order-7",
        "{report}"
    );
    let next = report["next"].as_str().unwrap();
    assert!(next.contains("`order-7`"), "{next}");
}

#[test]
fn a_result_without_a_decision_of_its_gate_is_no_plain_success() {
    for (arguments, outcome, code, matched) in [
        (json!({}), "unmatched", 1, "missing"),
        (json!({ "as": "ap_other" }), "unmatched", 1, "foreign"),
        (json!({ "as": DEMO_AGENT }), "ok", 0, "matches"),
    ] {
        let call = ["call", "gated", &arguments.to_string()];
        let output = against(&[&call[..], &["--json"]].concat());
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let report = json(&output);
        assert_eq!(
            (&report["outcome"], &report["decision_match"]),
            (&json!(outcome), &json!(matched))
        );
        assert_eq!(
            (&report["may_have_run"], &report["text"]),
            (&json!(true), &json!("paid"))
        );
        let text = against(&call);
        let told = String::from_utf8_lossy(&text.stdout);
        assert_eq!(
            told.contains("the tool ran, and the decision"),
            code == 1,
            "{told}"
        );
    }
}

#[test]
fn a_key_that_was_used_points_to_the_earlier_call() {
    let home = tempfile::tempdir().unwrap();
    let passports = home.path().join("passports");
    std::fs::create_dir(&passports).unwrap();
    let file = format!("{DEMO_AGENT}.json");
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("passports")
        .join(&file);
    std::fs::copy(shipped, passports.join(&file)).unwrap();
    let refund = json!({
        "order_id": "ORD-1", "customer_id": "CUS-1", "amount": 100, "currency": "USD",
        "region": "US", "idempotency_key": "key-00001",
    })
    .to_string();
    let home = home.path().to_str().unwrap();
    let call = ["call", "process_refund", &refund, "--home", home];
    assert_eq!(client(&call).status.code(), Some(0));
    let output = client(&call);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report = json(&output);
    assert_eq!(
        (&report["outcome"], &report["may_have_run"]),
        (&json!("denied"), &json!(true))
    );
    assert_eq!(report["idempotency_key"], "key-00001");
    for part in ["text", "next"] {
        let told = report[part].as_str().unwrap();
        assert!(
            told.contains("`key-00001`") && told.contains("earlier call"),
            "{told}"
        );
    }
    let people = Command::new(env!("CARGO_BIN_EXE_aport-gate-client"))
        .args(call)
        .args(["--server", env!("CARGO_BIN_EXE_aport-gate-server")])
        .env_remove("APORT_AGENT_ID")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&people.stdout);
    assert!(
        told.contains("oap.idempotency_conflict") && told.contains("earlier call"),
        "{told}"
    );
    assert!(!told.contains("null"), "{told}");
}

#[test]
fn a_reader_who_goes_away_ends_it_quietly() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    for (arguments, code) in [
        (&["tools", "--home", home][..], 0),
        (&["tools", "--home", home, "--json"], 0),
        (&["call", "process_refund", "{}", "--home", home], 1),
        (
            &["call", "process_refund", "{}", "--home", home, "--json"],
            1,
        ),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_aport-gate-client"))
            .args(arguments)
            .args(["--server", env!("CARGO_BIN_EXE_aport-gate-server")])
            .env_remove("APORT_AGENT_ID")
            .stdout(writer)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_server_that_does_not_speak_mcp_is_told_as_that() {
    for program in ["/bin/ls", "/bin/true"] {
        let output = Command::new(env!("CARGO_BIN_EXE_aport-gate-client"))
            .args(["tools", "--server", program])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("does not speak MCP"), "{told}");
        assert!(!told.contains("rmcp") && !told.contains("::"), "{told}");
    }
}

#[test]
fn an_empty_variable_of_the_demonstration_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_aport-gate-client"))
        .args(["--server", env!("CARGO_BIN_EXE_aport-gate-server")])
        .env_remove("APORT_MODE")
        .env("APORT_BASE_URL", "")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("`APORT_BASE_URL` is empty"), "{told}");
}

#[test]
fn what_did_not_end_well_is_told_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let passports = home.path().join("passports");
    std::fs::create_dir(&passports).unwrap();
    let file = format!("{DEMO_AGENT}.json");
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("passports")
        .join(&file);
    std::fs::copy(shipped, passports.join(&file)).unwrap();
    let over = json!({
        "order_id": "ORD-1", "customer_id": "CUS-1", "amount": 70_000, "currency": "USD",
        "region": "US", "idempotency_key": "key-00001",
    })
    .to_string();
    for (tool, arguments, agent, next) in [
        (
            "process_refund",
            "{}",
            DEMO_AGENT,
            "next: correct the arguments",
        ),
        (
            "process_refund",
            &over,
            DEMO_AGENT,
            "next: keep to the limits",
        ),
        (
            "process_refund",
            &over,
            "ap_nobody",
            "next: no other arguments can pass",
        ),
        (
            "proces_refund",
            "{}",
            DEMO_AGENT,
            "next: `aport-gate-client tools` lists",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_aport-gate-client"))
            .args(["--server", env!("CARGO_BIN_EXE_aport-gate-server")])
            .args(["call", tool, arguments, "--agent", agent, "--home"])
            .arg(home.path())
            .env_remove("APORT_AGENT_ID")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains(next), "no `{next}` in {told}");
    }
}

#[test]
fn arguments_that_are_no_object_cannot_run() {
    let output = client(&["call", "process_refund", "[1]"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_merge_is_decided_on_what_the_git_host_knows() {
    let home = tempfile::tempdir().unwrap();
    let passports = home.path().join("passports");
    std::fs::create_dir(&passports).unwrap();
    let file = format!("{DEMO_AGENT}.json");
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("passports")
        .join(&file);
    std::fs::copy(shipped, passports.join(&file)).unwrap();
    let home = home.path().to_str().unwrap();
    let merge = |number: u64| {
        let arguments =
            json!({"repository": "my-org/my-repo", "pr_number": number, "base_branch": "main"});
        client(&[
            "call",
            "merge_pull_request",
            &arguments.to_string(),
            "--home",
            home,
        ])
    };
    assert_eq!(merge(7).status.code(), Some(0));
    // It goes into `production`, whatever the agent calls it.
    let denied = merge(1000);
    assert_eq!(denied.status.code(), Some(1), "{denied:?}");
    let told = json(&denied).to_string();
    assert!(
        told.contains("oap.branch_not_allowed") && told.contains("production"),
        "{told}"
    );
}

#[test]
fn tools_are_listed_with_what_guards_them() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    let listed = json(&client(&["tools", "--home", home]));
    let tools: Vec<_> = listed["tools"].as_array().unwrap().iter().collect();
    let names: Vec<_> = tools.iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["merge_pull_request", "process_refund"]);
    assert_eq!(tools[1]["policy"]["pack"], "finance.payment.refund.v1");
}

#[test]
fn each_mistake_is_told_with_what_to_do_about_it() {
    let commands: [(&str, &[&str], &str); 12] = [
        ("client", &["call", "process_refund", "[1]"], "object"),
        (
            "client",
            &["call", "process_refund", "{\"a\":1,\"a\":2}"],
            "`a` appears twice",
        ),
        (
            "client",
            &["call", "process_refund", "--server", "none"],
            "none",
        ),
        (
            "client",
            &[
                "call",
                "x",
                "--agent",
                "nobody",
                "--server",
                env!("CARGO_BIN_EXE_aport-gate-server"),
            ],
            "nobody",
        ),
        ("client", &["call", "x", "--http", "nowhere"], "address"),
        (
            "client",
            &["call", "x", "--http", "http://127.0.0.1:9/mcp"],
            "connection",
        ),
        (
            "client",
            &[
                "tools",
                "--http",
                "http://127.0.0.1:9/mcp",
                "--token-env",
                "NO_SUCH_TOKEN",
            ],
            "NO_SUCH_TOKEN",
        ),
        ("client", &["--nope"], "--nope"),
        (
            "client",
            &["--http", "http://127.0.0.1:9/mcp"],
            "demonstration",
        ),
        ("agent", &["openai", "task", "--server", "none"], "none"),
        ("agent", &["someone", "task"], "someone"),
        ("bundle", &["--server", "none"], "none"),
    ];
    for (name, arguments, named) in commands {
        let run = |more: &[&str]| {
            let program = match name {
                "client" => env!("CARGO_BIN_EXE_aport-gate-client"),
                "agent" => env!("CARGO_BIN_EXE_aport-gate-agent"),
                _ => env!("CARGO_BIN_EXE_aport-gate-bundle"),
            };
            let home = tempfile::tempdir().unwrap();
            let output = Command::new(program)
                .args(arguments)
                .args(more)
                .env_remove("APORT_AGENT_ID")
                .env_remove("NO_SUCH_TOKEN")
                .env("APORT_HOME", home.path())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
            assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
            String::from_utf8(output.stderr).unwrap()
        };
        let text = run(&[]);
        assert!(text.starts_with("error: "), "{arguments:?}: {text}");
        assert!(
            text.contains(named),
            "{arguments:?}: no `{named}` in {text}"
        );
        let document = run(&["--json"]);
        let error: Value = serde_json::from_str(document.trim())
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {document}"));
        let part = |part: &str| error["error"][part].as_str().unwrap_or_default().to_owned();
        assert!(part("message").contains(named), "{arguments:?}: {document}");
        assert!(!part("next").is_empty(), "{arguments:?}: {document}");
    }
}
