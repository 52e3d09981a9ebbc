//! The official SDKs: each lists tools, is allowed and denied, and reads why, over standard input and
//! output and over HTTP.

use std::path::{Path, PathBuf};
use std::process::Command;

use aport_gate_tests::{AGENT, Home, server_binary};
use serde_json::{Value, json};

use crate::books;
use crate::packages::{Node, program};
use crate::run::run;
use crate::served::Served;

/// A client's plan: the servers that it talks to, one after the other. One that speaks several
/// versions of the protocol opens a session in each.
fn plan(home: &Home, served: &[(&str, &Served)]) -> Value {
    let environment = books::environment(home);
    let mut servers = vec![
        json!({ "steps": "shop", "command": server_binary(), "env": environment }),
        json!({
            "steps": "receipts",
            "command": env!("CARGO_BIN_EXE_aport-gate-interop-server"), "env": environment,
        }),
    ];
    for (steps, served) in served {
        servers.push(json!({ "steps": steps, "url": served.url() }));
    }
    json!({ "agent": AGENT, "servers": servers })
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop")
        .join(name)
}

/// Runs a client and compares what it says with what the servers' books say.
async fn drive(mut client: Command, versions_spoken: usize) {
    let home = books::home();
    let (shop, receipts) = (Served::shop(&home), Served::probes(&home));
    let plan = plan(&home, &[("shop", &shop), ("receipts", &receipts)]);
    let ended = run(client.arg(plan.to_string()));
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    // On standard input and output, and over HTTP.
    let visits = 2 * versions_spoken;
    assert_eq!(
        ended.output.trim(),
        format!("sessions: {}", 2 * visits),
        "{}",
        ended.said()
    );
    assert_eq!(home.payments().len(), visits);
    assert_eq!(home.merges().len(), visits);
    assert_eq!(books::bodies(&home).len(), visits);
    assert_eq!(books::allowed(&home).await.len(), 3 * visits);
    books::no_body_without_an_allow(&home).await;
}

/// Runs a client with a bearer token, with one that does not count, and without: the token alone says who
/// calls.
async fn drive_with_tokens(mut client: Command, versions_spoken: usize) {
    let home = books::home();
    let token = home.token(AGENT, "interop");
    let shop = Served::shop_for_tokens(&home);
    let plan = json!({ "agent": AGENT, "servers": [
        { "steps": "shop", "url": shop.url(), "token": token },
        { "url": shop.url(), "token": format!("{token}A"), "refused": 401 },
        { "url": shop.url(), "refused": 401 },
    ] });
    let ended = run(client.arg(plan.to_string()));
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    let told = format!("sessions: {}", 3 * versions_spoken);
    assert_eq!(ended.output.trim(), told, "{}", ended.said());
    assert_eq!(home.payments().len(), versions_spoken);
    assert_eq!(home.merges().len(), versions_spoken);
    assert_eq!(books::allowed(&home).await.len(), 2 * versions_spoken);
    books::no_body_without_an_allow(&home).await;
}

fn typescript(node: &Node, name: &str) -> Command {
    let mut client = Command::new(&node.program);
    client
        .arg(script(name))
        .env("APORT_NODE_PACKAGES", &node.packages);
    client
}

#[tokio::test]
async fn the_typescript_sdk_1_lists_calls_and_reads_decisions() {
    if let Some(node) = Node::find("typescript_1") {
        drive(typescript(&node, "typescript_1.mjs"), 1).await;
    }
}

#[tokio::test]
async fn the_typescript_sdk_2_lists_calls_and_reads_decisions() {
    if let Some(node) = Node::find("typescript_2") {
        drive(typescript(&node, "typescript_2.mjs"), 3).await;
    }
}

#[tokio::test]
async fn the_typescript_sdk_2_calls_with_a_bearer_token() {
    if let Some(node) = Node::find("typescript_2 with a token") {
        drive_with_tokens(typescript(&node, "typescript_2.mjs"), 3).await;
    }
}

fn python(program: std::ffi::OsString, name: &str) -> Command {
    let mut client = Command::new(program);
    client.arg(script(name)).env("PYTHONDONTWRITEBYTECODE", "1");
    client
}

#[tokio::test]
async fn the_python_sdk_1_lists_calls_and_reads_decisions() {
    if let Some(program) = program("python_1", "APORT_PYTHON", "mcp<2") {
        drive(python(program, "python_1.py"), 1).await;
    }
}

#[tokio::test]
async fn the_python_sdk_2_lists_calls_and_reads_decisions() {
    if let Some(program) = program("python_2", "APORT_PYTHON_2", "mcp>=2") {
        drive(python(program, "python_2.py"), 3).await;
    }
}

#[tokio::test]
async fn the_python_sdk_2_calls_with_a_bearer_token() {
    if let Some(program) = program("python_2 with a token", "APORT_PYTHON_2", "mcp>=2") {
        drive_with_tokens(python(program, "python_2.py"), 3).await;
    }
}
