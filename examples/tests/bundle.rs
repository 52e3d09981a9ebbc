//! The command that builds a bundle, as its user runs it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const SERVER: &str = env!("CARGO_BIN_EXE_aport-gate-server");
const PLACE: &str = "https://example.com/v1/aport-gate.mcpb";

/// Exit code and what it said, of a run in this folder.
fn bundle(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_aport-gate-bundle"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn a_bundle_and_its_entry_are_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--json", "--server", SERVER, "--publish-at", PLACE];
    let (code, said, _) = bundle(folder.path(), &arguments);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(names(folder.path()), ["aport-gate.mcpb", "server.json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let entry = std::fs::read(folder.path().join("server.json")).unwrap();
    let entry: Value = serde_json::from_slice(&entry).unwrap();
    let package = &entry["packages"][0];
    assert_eq!(package["identifier"], PLACE);
    assert_eq!(package["fileSha256"], said["sha256"]);
}

#[test]
fn what_cannot_be_published_or_started_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(at("folder.mcpb")).unwrap();
    std::fs::write(at("script"), "#!/bin/sh\necho aport-gate-server 0.1.0\n").unwrap();
    std::fs::write(at("empty"), "").unwrap();
    let mut foreign = std::fs::read(SERVER).unwrap();
    // Of no system that is there.
    foreign[..4].copy_from_slice(b"\x7fELG");
    std::fs::write(at("foreign"), foreign).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for name in ["script", "empty", "foreign"] {
            let run = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(at(name), run).unwrap();
        }
        std::fs::copy(SERVER, at("kept")).unwrap();
        let kept = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(at("kept"), kept).unwrap();
    }
    let before = names(folder.path());
    let another = env!("CARGO_BIN_EXE_aport-gate-client");
    let (script, empty, foreign, kept, missing) = (
        at("script"),
        at("empty"),
        at("foreign"),
        at("kept"),
        at("none"),
    );
    let mut cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["--server", &missing], "no such file"),
        (vec!["--server", "folder.mcpb"], "it is a folder"),
        (vec!["--server", &script], "it is no program"),
        (vec!["--server", &empty], "it is no program"),
        (vec!["--server", &foreign], "it is no program"),
        (
            vec!["--server", another],
            "it has to be `aport-gate-server ",
        ),
        (
            vec!["--server", SERVER, "--output", "folder.mcpb"],
            "folder",
        ),
        (vec!["--server", SERVER, "--output", "none/x.mcpb"], "none"),
        (
            vec![
                "--server",
                SERVER,
                "--publish-at",
                PLACE,
                "--output",
                "server.json",
            ],
            "--output",
        ),
        (
            vec!["--publish-at", "http://example.com/a.mcpb"],
            "https://",
        ),
        (vec!["--publish-at", "https://example.com/"], "file itself"),
        (vec!["--publish-at", "aport-gate.mcpb"], "no URL"),
    ];
    if cfg!(unix) {
        cases.push((vec!["--server", &kept], "may not be run"));
    }
    for (arguments, part) in cases {
        let (code, said, told) = bundle(folder.path(), &arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {told}");
        assert!(told.contains(part), "{arguments:?}: {told}");
        let next = told.contains("next: ") || told.contains("--help");
        assert!(next, "{arguments:?}: {told}");
        assert_eq!(said, "", "{arguments:?}");
        assert_eq!(names(folder.path()), before, "{arguments:?}");
    }
    // The entry cannot be written: then there is no bundle either.
    std::fs::create_dir(at("server.json")).unwrap();
    let arguments = ["--server", SERVER, "--publish-at", PLACE];
    let (code, _, told) = bundle(folder.path(), &arguments);
    assert_eq!(code, Some(2), "{told}");
    assert!(!folder.path().join("aport-gate.mcpb").exists(), "{told}");
}

#[test]
fn a_bundled_server_takes_no_setting_from_the_desktops_surroundings() {
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(SERVER)
        .arg("--bundled")
        .env("BUNDLE_APORT_HOME", home.path())
        .env("RUST_LOG", "info")
        // Any of them would keep the server from starting, or let it spend real money.
        .env("APORT_TIMEOUT_MS", "soon")
        .env("STRIPE_API_BASE", "nowhere")
        .env("STRIPE_API_KEY", "sk_live_of_somebody")
        .env("GITHUB_TOKEN", "${TOKEN}")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"tests","version":"1"}}}"#;
    // A server that did not start reads nothing.
    let _ = writeln!(child.stdin.as_mut().unwrap(), "{hello}");
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    let answer = String::from_utf8_lossy(&output.stdout);
    assert!(answer.contains("serverInfo"), "{log}");
    for simulated in ["payment desk: simulated", "git host: simulated"] {
        assert!(log.contains(simulated), "{log}");
    }
}
