//! The configurations in `examples/clients`, and the bundle: what a client reads of them is what the
//! server takes.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use aport_gate_tests::{Home, command_binary};
use serde_json::{Value, json};

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/clients")
}

fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(clients().join(name)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn entries(document: &Value) -> Vec<(&String, &Value)> {
    let servers = document.get("mcpServers").or(document.get("servers"));
    servers.unwrap().as_object().unwrap().iter().collect()
}

const FILES: [&str; 4] = [
    "claude_desktop_config.json",
    "vscode-mcp.json",
    "claude-code.mcp.json",
    "cline_mcp_settings.json",
];

#[test]
fn every_configuration_starts_the_server_without_a_secret_in_plain_text() {
    for file in FILES {
        let document = read(file);
        for (name, entry) in entries(&document) {
            let command = Path::new(entry["command"].as_str().unwrap());
            assert_eq!(command.file_stem().unwrap(), "aport-gate-server", "{file}");
            assert!(entry["args"].as_array().unwrap().is_empty(), "{file}");
            for (variable, value) in entry["env"].as_object().unwrap() {
                let value = value.as_str().unwrap();
                assert!(!value.is_empty(), "{file}: {name}: {variable}");
                if variable == "APORT_API_KEY" {
                    assert!(value.starts_with("${") && value.ends_with('}'), "{file}");
                }
            }
            assert_eq!(entry.get("autoApprove").unwrap_or(&json!([])), &json!([]));
        }
    }
    let inputs = read("vscode-mcp.json")["inputs"].clone();
    assert_eq!(inputs[0]["password"], true);
}

#[test]
fn the_doctor_knows_every_variable_of_every_configuration() {
    let home = Home::new();
    for file in FILES {
        for (name, entry) in entries(&read(file)) {
            // Nothing is asked over the network: only what the file says is looked at.
            let mut entry = entry.clone();
            for (variable, here) in [
                ("APORT_HOME", home.path().to_str().unwrap()),
                ("APORT_BASE_URL", "http://127.0.0.1:9"),
                ("APORT_API_KEY", "${input:key}"),
            ] {
                if let Some(value) = entry["env"].get_mut(variable) {
                    *value = here.into();
                }
            }
            let copy = home.path().join("client.json");
            let document = json!({ "mcpServers": { name.as_str(): entry } });
            std::fs::write(&copy, document.to_string()).unwrap();
            let output = std::process::Command::new(command_binary())
                .args(["doctor", "--json", "--client"])
                .arg(&copy)
                .output()
                .unwrap();
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
            for check in answer["checks"].as_array().unwrap() {
                let found = check["found"].as_str().unwrap();
                assert!(!found.contains("nothing reads it"), "{file}: {check}");
                assert_ne!(check["subject"], "environment", "{file}: {check}");
                let at_fault = check["subject"] == "client" && check["health"] != "ok";
                assert!(!at_fault, "{file}: {check}");
            }
        }
    }
}

#[test]
fn the_install_link_says_what_the_configuration_does() {
    let page = std::fs::read_to_string(clients().join("README.md")).unwrap();
    let link = page
        .lines()
        .find_map(|line| line.strip_prefix("vscode:mcp/install?"))
        .unwrap();
    let linked: Value = serde_json::from_str(&decoded(link)).unwrap();
    let mut written = read("vscode-mcp.json")["servers"]["aport-gate"].clone();
    written["name"] = "aport-gate".into();
    assert_eq!(linked, written);
    for file in FILES {
        assert!(page.contains(&format!("]({file})")), "{file}");
    }
}

/// What the page has a newcomer type before a client is involved.
#[cfg(unix)]
#[test]
fn the_first_steps_of_the_page_end_in_a_gated_call() {
    use aport_gate_tests::{client_binary, server_binary};

    let page = std::fs::read_to_string(clients().join("README.md")).unwrap();
    let blocks = page.split("```sh\n").skip(1);
    let steps: Vec<&str> = blocks
        .filter_map(|block| block.split("```").next())
        .skip(1)
        .take(2)
        .collect();
    let programs = client_binary().parent().unwrap();
    for beside in [server_binary(), command_binary()] {
        assert_eq!(beside.parent().unwrap(), programs);
    }
    let user = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut shell = std::process::Command::new("sh");
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().into_owned();
        // Installed programs are not started by cargo.
        if text.starts_with("APORT_") || text == "CARGO" {
            shell.env_remove(name);
        }
    }
    let output = shell
        .args(["-ec", &steps.concat()])
        .current_dir(clients().join("../.."))
        .env("HOME", user.path())
        .env("PATH", format!("{}:{path}", programs.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    for part in [
        "guarded by finance.payment.refund.v1",
        "Refund processed",
        "allow",
        "caps committed",
    ] {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
}

/// A text out of a URL.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}
