//! mcp-fuzzer: a bounded run of what a hostile client sends.

use std::process::Command;

use aport_gate_tests::{AGENT, server_binary};
use serde_json::Value;

use crate::books;
use crate::packages::program;
use crate::run::run;

/// What the fuzzer takes for a malformed message that was accepted, and why it is none.
const NO_FINDING: [(&str, &str); 7] = [
    (
        "InitializeRequest",
        "a version that no server knows is answered with one that this server speaks",
    ),
    ("InitializedNotification", "a notification has no answer"),
    ("ProgressNotification", "a notification has no answer"),
    ("CancelledNotification", "a notification has no answer"),
    ("PingRequest", "every ping is answered"),
    (
        "ListToolsRequest",
        "an absent or empty cursor is the first page",
    ),
    (
        "CallToolRequest",
        "a denial is a result with `isError`, as the protocol wants errors of a tool",
    ),
];

#[tokio::test]
async fn a_fuzzer_ends_no_server_and_runs_no_body_without_an_allow() {
    let Some(fuzzer) = program("fuzzer", "APORT_MCP_FUZZER", "mcp-fuzzer") else {
        return;
    };
    let home = books::home();
    let reports = tempfile::tempdir().unwrap();
    let server = format!("\"{}\"", server_binary().display());
    let ended = run(Command::new(fuzzer)
        .args(["--protocol", "stdio", "--endpoint", &server])
        .args(["--mode", "all", "--phase", "both", "--runs", "25"])
        .args(["--runs-per-type", "4", "--seed", "7", "--no-corpus"])
        .args(["--no-network", "--tool-timeout", "20", "--timeout", "20"])
        .arg("--fs-root")
        .arg(reports.path().join("files"))
        .arg("--output-dir")
        .arg(reports.path())
        .env("APORT_HOME", home.path())
        .env("APORT_AGENT_ID", AGENT)
        .env("RUST_LOG", "error")
        .env("HOME", reports.path()));
    assert_eq!(ended.code(), Some(0), "{}", ended.said());

    let report = |name: &str| -> Value {
        let file = reports.path().join(name);
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("`{}`: {error}\n{}", file.display(), ended.said()));
        serde_json::from_str(&text).unwrap()
    };
    let summary = report("run_summary.json");
    assert_eq!(summary["status"], "completed", "{}", ended.said());
    let tools = summary["tools"]["by_name"].as_object().unwrap();
    assert_eq!(tools.len(), 2, "{summary}");
    for (tool, runs) in tools {
        assert_eq!(runs["total_runs"], 50, "{tool}");
        for bad in ["crashed", "anomaly", "exceptions", "accepted_malformed"] {
            assert_eq!(runs["outcomes"][bad], 0, "{tool}: {bad}: {runs}");
        }
    }
    for finding in report("findings.json")["findings"].as_array().unwrap() {
        let target = finding["target"].as_str().unwrap_or_default();
        let known = NO_FINDING.iter().any(|(known, _)| *known == target);
        assert!(
            known && finding["category"] == "accepted_malformed",
            "{finding:#}"
        );
        if target == "CallToolRequest" {
            // Only a denial: nothing that the fuzzer sends is within the passport.
            assert!(
                finding.to_string().contains("Policy denied: "),
                "{finding:#}"
            );
        }
    }
    books::no_body_without_an_allow(&home).await;
}
