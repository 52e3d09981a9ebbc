//! The example server's inventory against the file that is kept under review.

use std::path::Path;
use std::process::{Command, Stdio};

use aport_gate_tests::server_binary;

#[test]
fn the_example_server_prints_the_inventory_that_was_reviewed() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policy-inventory.json");
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(server_binary())
        .arg("--inventory")
        // It needs no state, and leaves none.
        .env("APORT_HOME", empty.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
    let printed = String::from_utf8(output.stdout).unwrap();
    if std::env::var_os("APORT_BLESS").is_some() {
        std::fs::write(&kept, &printed).unwrap();
    }
    let reviewed = std::fs::read_to_string(&kept).unwrap_or_default();
    assert!(
        printed == reviewed.replace("\r\n", "\n"),
        "what guards the example's tools changed; look at the difference, then run \
         `cargo run --bin aport-gate-server -- --inventory > examples/policy-inventory.json`\n{printed}"
    );
}
