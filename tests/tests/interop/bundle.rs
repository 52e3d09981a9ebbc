//! The bundle, as the official tool and a desktop client take it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aport_gate_tests::{AGENT, Home, bundle_binary, server_binary, wait_for};
use serde_json::Value;

use crate::packages::{Node, program};
use crate::run::run;

const MCPB: &str = "@anthropic-ai/mcpb/dist/cli/cli.js";

/// A bundle of this server and its `server.json`, in this folder.
fn build(folder: &Path, server: &Path) -> PathBuf {
    let bundle = folder.join("aport-gate.mcpb");
    let ended = run(Command::new(bundle_binary())
        .arg("--output")
        .arg(&bundle)
        .arg("--server")
        .arg(server)
        .args(["--json", "--publish-at"])
        .arg("https://github.com/aport-gate/aport-gate/releases/download/v0.1.0/aport-gate.mcpb"));
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    bundle
}

/// What a client makes of the manifest with this form: each placeholder that was filled in is replaced.
fn configured(manifest: &Value, place: &Path, form: &[(&str, &str)]) -> Command {
    let filled = |text: &Value| {
        let mut text = text.as_str().unwrap().to_owned();
        text = text.replace("${__dirname}", place.to_str().unwrap());
        for (key, value) in form {
            text = text.replace(&format!("${{user_config.{key}}}"), value);
        }
        text
    };
    let config = &manifest["server"]["mcp_config"];
    let mut command = Command::new(filled(&config["command"]));
    for argument in config["args"].as_array().unwrap() {
        command.arg(filled(argument));
    }
    for (name, value) in config["env"].as_object().unwrap() {
        command.env(name, filled(value));
    }
    command
}

/// Whether the server speaks MCP, and what it logged.
fn speaks(mut command: Command) -> (bool, String) {
    for name in [
        "APORT_HOME",
        "APORT_AGENT_ID",
        "APORT_BASE_URL",
        "APORT_MODE",
    ] {
        command.env_remove(name);
    }
    let mut child = command
        .env("RUST_LOG", "error")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"tests","version":"1"}}}"#;
    // A server that did not start reads nothing.
    let _ = std::io::Write::write_all(
        child.stdin.as_mut().unwrap(),
        format!("{hello}\n").as_bytes(),
    );
    let mut line = String::new();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    drop(child.stdin.take());
    wait_for(&mut child, std::time::Duration::from_secs(60));
    let mut log = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut log).unwrap();
    (line.contains("serverInfo"), log)
}

#[test]
fn the_bundle_passes_the_official_tool_and_starts_with_a_form_left_blank() {
    let Some(node) = Node::find("bundle") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let bundle = build(folder.path(), server_binary());
    let told = run(node.command(MCPB).arg("info").arg(&bundle));
    assert_eq!(told.code(), Some(0), "{}", told.said());
    let place = folder.path().join("unpacked");
    let unpacked = run(node.command(MCPB).arg("unpack").arg(&bundle).arg(&place));
    assert_eq!(unpacked.code(), Some(0), "{}", unpacked.said());
    let file = place.join("manifest.json");
    let valid = run(node.command(MCPB).arg("validate").arg(&file));
    assert_eq!(valid.code(), Some(0), "{}", valid.said());

    let manifest: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let form = manifest["user_config"].as_object().unwrap();
    let mut asked: Vec<&str> = form.keys().map(String::as_str).collect();
    asked.sort_unstable();
    assert_eq!(asked, ["agent_id", "api_key", "base_url", "home", "mode"]);
    assert_eq!(manifest["user_config"]["api_key"]["sensitive"], true);

    let home = Home::new();
    let home = home.path().to_str().unwrap();
    // What is left blank arrives empty, or as the placeholder itself.
    for blank in [vec![("base_url", ""), ("api_key", "")], vec![]] {
        let mut form = vec![("mode", "local"), ("home", home), ("agent_id", AGENT)];
        form.extend(blank);
        let (spoke, log) = speaks(configured(&manifest, &place, &form));
        assert!(spoke, "{form:?}: {log}");
    }
    // What is filled in counts, and what is wrong with it is named.
    let wrong = [
        ("mode", "registry"),
        ("home", home),
        ("base_url", "${HOST}"),
    ];
    let (spoke, log) = speaks(configured(&manifest, &place, &wrong));
    assert!(!spoke && log.contains("APORT_BASE_URL"), "{log}");
}

/// The schema that the MCP registry published, out of a package that carries it.
#[test]
fn the_registrys_entry_is_valid_under_its_published_schema() {
    let Some(python) = program("server_json", "APORT_SKILLSAW_PYTHON", "skillsaw") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/server_json.py");
    build(folder.path(), server_binary());
    let ended = run(Command::new(python)
        .arg(script)
        .arg(folder.path().join("server.json")));
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    assert_eq!(ended.output.trim(), "valid", "{}", ended.said());
}
