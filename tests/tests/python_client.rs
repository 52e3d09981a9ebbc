//! The official Python SDK against the example server.
#![allow(missing_docs, clippy::unwrap_used)]

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use aport_gate_tests::{AGENT, Home, server_binary, wait_for};

fn has_sdk(python: &OsString) -> bool {
    let import = Command::new(python)
        .args(["-c", "import mcp"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let status = import
        .ok()
        .and_then(|mut child| wait_for(&mut child, Duration::from_secs(60)));
    status.is_some_and(|status| status.success())
}

#[test]
fn the_python_sdk_lists_calls_and_reads_decisions() {
    let python = std::env::var_os("APORT_PYTHON").unwrap_or_else(|| "python3".into());
    if !has_sdk(&python) {
        let message = format!(
            "python_client: skipped, because `{}` has no package `mcp`; \
             install it, or name another interpreter in APORT_PYTHON",
            python.display()
        );
        assert!(
            std::env::var("APORT_REQUIRE_PYTHON").as_deref() != Ok("1"),
            "{message}"
        );
        // Not `eprintln!`, whose output a passing test hides.
        let _ = writeln!(std::io::stderr(), "{message}");
        return;
    }
    let home = Home::new();
    let mut client = Command::new(python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/python_client.py"
        ))
        .arg(server_binary())
        .arg(home.path())
        .arg(AGENT)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Read beside the wait: a full pipe would stop the client.
    let (mut output, mut errors) = (client.stdout.take().unwrap(), client.stderr.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).map(|_| text)
    });
    let status = wait_for(&mut client, Duration::from_secs(90));
    let errors = reader.join().unwrap().unwrap();
    assert!(status.is_some_and(|status| status.success()), "{errors}");
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    assert!(text.contains("python client: ok"), "{text}{errors}");
    assert_eq!(home.payments().len(), 1);
}
