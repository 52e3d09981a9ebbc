//! Clients that nobody here wrote: the published Python SDK, and a fuzzer driven by the interface
//! document.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::Place;

/// The interpreter or program that a variable names; without it the test passes with a notice,
/// unless the surroundings insist.
fn named(variable: &str, what: &str) -> Option<std::ffi::OsString> {
    if let Some(program) = std::env::var_os(variable) {
        return Some(program);
    }
    let message = format!("interop: skipped, because {variable} names no {what}");
    assert!(
        std::env::var("APORT_REQUIRE_PYTHON").as_deref() != Ok("1"),
        "{message}"
    );
    // Not `eprintln!`, whose output a passing test hides.
    let _ = writeln!(std::io::stderr(), "{message}");
    None
}

fn sdk(variable: &str) {
    let what = "Python with the package `aporthq-sdk-python`";
    let Some(python) = named(variable, what) else {
        return;
    };
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let output = Command::new(python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/registry/python_sdk.py"
        ))
        .arg(format!("http://{}", server.address))
        .arg(agent)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.starts_with("ok: "),
        "{text}{errors}"
    );
}

#[test]
fn the_current_python_sdk_verifies_tokens_keys_and_views() {
    sdk("APORT_PYTHON_SDK");
}

#[test]
fn an_old_strict_python_sdk_verifies_tokens_keys_and_views() {
    sdk("APORT_PYTHON_SDK_OLD");
}

#[test]
fn a_fuzzer_finds_no_failure_and_no_answer_outside_the_interface() {
    let Some(schemathesis) = named("APORT_SCHEMATHESIS", "schemathesis") else {
        return;
    };
    let place = Place::new();
    let admin = place.key("root", true);
    let server = place.serve(&["--dev", "--rate-limit", "off"]);
    let output = Command::new(schemathesis)
        .arg("run")
        .arg(format!("http://{}/openapi.json", server.address))
        .args(["--header", &format!("Authorization: Bearer {admin}")])
        .args(["--max-examples", "25", "--generation-deterministic"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance",
        ])
        .current_dir(place.folder())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
}
