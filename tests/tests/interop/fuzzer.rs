//! mcp-fuzzer: a bounded run of what a hostile client sends.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use aport_gate_tests::{AGENT, Home, server_binary};
use serde_json::{Map, Value, json};

use crate::books;
use crate::packages::program;
use crate::run::run;
use crate::served::Served;

/// What the fuzzer takes for a malformed message that was accepted, and why it is none.
const NO_FINDING: [(&str, &str); 8] = [
    ("measure", "it takes any text"),
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

/// Whether a finding is none.
fn is_none(finding: &Value) -> bool {
    let target = finding["target"].as_str().unwrap_or_default();
    match finding["category"].as_str() {
        // A tool without arguments is called rightly with none.
        Some("accepted_malformed") if target.starts_with("test_") => {
            finding["evidence"]["input"] == json!({})
        }
        Some("accepted_malformed") => NO_FINDING.iter().any(|(known, _)| *known == target),
        // A refusal names what it refuses, to whoever sent it; no client reads a text as markup.
        Some("injection_reflection") => finding["kind"] == "tool",
        _ => false,
    }
}

/// Where the fuzzer finds a server.
enum Target<'t> {
    Command(&'t Path),
    Url(&'t str),
}

/// A bounded run; gives what each tool's calls came to.
fn fuzz(fuzzer: &OsStr, home: &Home, target: &Target<'_>) -> Map<String, Value> {
    let reports = tempfile::tempdir().unwrap();
    let mut command = Command::new(fuzzer);
    match target {
        Target::Command(path) => {
            let server = format!("\"{}\"", path.display());
            command.args(["--protocol", "stdio", "--endpoint", &server]);
        }
        Target::Url(url) => {
            command.args(["--protocol", "streamablehttp", "--endpoint", url]);
        }
    }
    let ended = run(command
        .args(["--mode", "all", "--phase", "both", "--runs", "15"])
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
    for finding in report("findings.json")["findings"].as_array().unwrap() {
        assert!(is_none(finding), "{finding:#}");
    }
    let Value::Object(tools) = summary["tools"]["by_name"].clone() else {
        panic!("{summary}")
    };
    for (tool, runs) in &tools {
        assert_eq!(runs["total_runs"], 30, "{tool}");
        // Neither a hang nor a message that is none.
        for bad in ["crashed", "anomaly", "exceptions"] {
            assert_eq!(runs["outcomes"][bad], 0, "{tool}: {bad}: {runs}");
        }
    }
    tools
}

#[tokio::test]
async fn a_fuzzer_ends_no_server_and_runs_no_body_without_an_allow() {
    let Some(fuzzer) = program("fuzzer", "APORT_MCP_FUZZER", "mcp-fuzzer") else {
        return;
    };
    let home = books::home();
    let tools = fuzz(&fuzzer, &home, &Target::Command(server_binary()));
    assert_eq!(tools.len(), 2);
    for (tool, runs) in &tools {
        // Nothing of what it makes up is within the passport.
        assert_eq!(runs["outcomes"]["server_rejected"], 30, "{tool}: {runs}");
    }
    assert!(home.payments().is_empty() && home.merges().is_empty());
    assert!(books::allowed(&home).await.is_empty());
}

#[tokio::test]
async fn bodies_that_a_fuzzer_reaches_over_http_each_have_an_allow() {
    let Some(fuzzer) = program("fuzzer_http", "APORT_MCP_FUZZER", "mcp-fuzzer") else {
        return;
    };
    let home = books::home();
    let mut served = Served::probes(&home);
    let tools = fuzz(&fuzzer, &home, &Target::Url(served.url()));
    assert!(tools.contains_key("measure"), "{tools:?}");
    assert!(served.is_alive());
    assert!(!books::bodies(&home).is_empty());
    books::no_body_without_an_allow(&home).await;
}
