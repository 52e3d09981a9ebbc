//! The official SDKs: each lists tools, is allowed and denied, and reads why.

use std::path::{Path, PathBuf};
use std::process::Command;

use aport_gate_tests::{AGENT, Home, server_binary};
use serde_json::{Value, json};

use crate::books;
use crate::packages::{Node, program};
use crate::run::run;

/// The clients' plan: the servers that they talk to, one after the other. One that speaks several
/// versions of the protocol opens a session in each.
fn plan(home: &Home) -> Value {
    let environment = books::environment(home);
    json!({
        "agent": AGENT,
        "servers": [
            { "steps": "shop", "command": server_binary(), "env": environment },
            {
                "steps": "receipts",
                "command": env!("CARGO_BIN_EXE_aport-gate-interop-server"), "env": environment,
            },
        ],
    })
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop")
        .join(name)
}

/// Runs a client and compares what it says with what the servers' books say.
async fn drive(mut client: Command, versions_spoken: usize) {
    let home = books::home();
    let plan = plan(&home);
    let ended = run(client.arg(plan.to_string()));
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    let sessions = plan["servers"].as_array().unwrap().len() * versions_spoken;
    let closing = format!("sessions: {sessions}");
    assert_eq!(ended.output.trim(), closing, "{}", ended.said());
    let shop_sessions = sessions / 2;
    assert_eq!(home.payments().len(), shop_sessions);
    assert_eq!(home.merges().len(), shop_sessions);
    // A refund and a merge in the shop, and a refund with a receipt.
    assert_eq!(books::allowed(&home).await.len(), shop_sessions * 3);
    books::no_body_without_an_allow(&home).await;
}

#[tokio::test]
async fn the_typescript_sdk_1_lists_calls_and_reads_decisions() {
    let Some(node) = Node::find("typescript_1") else {
        return;
    };
    let mut client = Command::new(&node.program);
    client
        .arg(script("typescript_1.mjs"))
        .env("APORT_NODE_PACKAGES", &node.packages);
    drive(client, 1).await;
}

#[tokio::test]
async fn the_typescript_sdk_2_lists_calls_and_reads_decisions() {
    let Some(node) = Node::find("typescript_2") else {
        return;
    };
    let mut client = Command::new(&node.program);
    client
        .arg(script("typescript_2.mjs"))
        .env("APORT_NODE_PACKAGES", &node.packages);
    drive(client, 3).await;
}

#[tokio::test]
async fn the_python_sdk_1_lists_calls_and_reads_decisions() {
    let Some(python) = program("python_1", "APORT_PYTHON", "mcp<2") else {
        return;
    };
    let mut client = Command::new(python);
    client.arg(script("python_1.py"));
    drive(client, 1).await;
}

#[tokio::test]
async fn the_python_sdk_2_lists_calls_and_reads_decisions() {
    let Some(python) = program("python_2", "APORT_PYTHON_2", "mcp>=2") else {
        return;
    };
    let mut client = Command::new(python);
    client.arg(script("python_2.py"));
    drive(client, 3).await;
}
