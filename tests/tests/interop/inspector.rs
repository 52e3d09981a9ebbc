//! The MCP Inspector's command line.

use std::process::Command;

use aport_gate_tests::{AGENT, Home, refund_arguments, server_binary};
use serde_json::Value;

use crate::books;
use crate::packages::Node;
use crate::run::{Ended, run};
use crate::served::Served;

/// Its exit code for a tool that answered with `isError`.
const TOOL_ERROR: i32 = 5;

fn inspector(node: &Node, home: &Home, era: &str) -> Command {
    let mut command =
        node.command("@modelcontextprotocol/inspector/clients/launcher/build/index.js");
    command
        .args(["--cli", "--protocol-era", era, "--quiet"])
        // It keeps a catalog in the user's home.
        .env("MCP_CATALOG_PATH", home.path().join("catalog.json"))
        .env("MCP_CLIENT_CONFIG_PATH", home.path().join("client.json"));
    command
}

fn result(ended: &Ended) -> Value {
    serde_json::from_str(&ended.output).unwrap_or_else(|error| panic!("{error}\n{}", ended.said()))
}

/// Lists strictly, is allowed, is denied.
fn inspect(inspector: impl Fn() -> Command) {
    // `--strict` fails on a tool schema that some client could not read.
    let listed = run(inspector().args(["--method", "tools/list", "--strict"]));
    assert_eq!(listed.code(), Some(0), "{}", listed.said());
    let tools = result(&listed);
    let policy = &tools["tools"][1]["_meta"]["io.aport/policy"];
    assert_eq!(policy["pack"], "finance.payment.refund.v1");

    let call = |amount, key| {
        let arguments = refund_arguments(amount, key).to_string();
        run(inspector()
            .args(["--method", "tools/call", "--tool-name", "process_refund"])
            .args(["--tool-args-json", &arguments]))
    };
    let paid = call(500, "inspector-paid");
    assert_eq!(paid.code(), Some(0), "{}", paid.said());
    assert_eq!(result(&paid)["_meta"]["io.aport/decision"]["allow"], true);

    let denied = call(100_000, "inspector-denied");
    assert_eq!(denied.code(), Some(TOOL_ERROR), "{}", denied.said());
    let decision = &result(&denied)["_meta"]["io.aport/decision"];
    assert_eq!(decision["allow"], false);
    assert_eq!(decision["reasons"][0]["details"]["limit"], 5000);
}

#[tokio::test]
async fn the_inspector_finds_nothing_to_mend_and_reads_decisions() {
    let Some(node) = Node::find("inspector") else {
        return;
    };
    for era in ["legacy", "modern"] {
        let home = books::home();
        inspect(|| {
            let mut command = inspector(&node, &home, era);
            command
                .arg(server_binary())
                .arg("-e")
                .arg(format!("APORT_HOME={}", home.path().display()))
                .args(["-e", &format!("APORT_AGENT_ID={AGENT}")]);
            command
        });
        assert_eq!(home.payments().len(), 1, "{era}");
        books::no_body_without_an_allow(&home).await;
    }
}

#[tokio::test]
async fn the_inspector_reads_decisions_over_http() {
    let Some(node) = Node::find("inspector_http") else {
        return;
    };
    for era in ["legacy", "modern"] {
        let home = books::home();
        let served = Served::shop(&home);
        inspect(|| {
            let mut command = inspector(&node, &home, era);
            command.args(["--transport", "http", "--server-url", served.url()]);
            command
        });
        assert_eq!(home.payments().len(), 1, "{era}");
        books::no_body_without_an_allow(&home).await;
    }
}
