//! The conformance suite of MCP against a gated server over HTTP, and as the servers of our client, in both
//! current protocols.
//!
//! What does not apply is listed, with why, in `tests/interop/conformance-*.yml`; anything else that
//! fails is a failure here, and so is anything listed that passes.

use std::path::{MAIN_SEPARATOR, Path};

use crate::books;
use crate::packages::Node;
use crate::run::run;
use crate::served::Served;

#[tokio::test]
async fn a_gated_server_conforms_to_the_protocol() {
    let Some(node) = Node::find("conformance") else {
        return;
    };
    let baselines = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
    for revision in ["2025-11-25", "2026-07-28"] {
        let home = books::home();
        let mut served = Served::probes(&home);
        let reports = tempfile::tempdir().unwrap();
        let ended = run(node
            .command("@modelcontextprotocol/conformance/dist/index.js")
            .args(["server", "--url", served.url(), "--requirements", revision])
            .arg("--expected-failures")
            .arg(baselines.join(format!("conformance-{revision}.yml")))
            .arg("--output-dir")
            .arg(reports.path()));
        assert_eq!(ended.code(), Some(0), "{revision}: {}", ended.said());
        assert!(served.is_alive(), "{revision}");
        // The tools were reached: through the gate, each on an allow of its own.
        assert!(books::bodies(&home).len() >= 6, "{revision}");
        books::no_body_without_an_allow(&home).await;
    }
}

#[test]
fn the_client_conforms_to_the_protocol() {
    let Some(node) = Node::find("conformance") else {
        return;
    };
    let baselines = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
    // The suite splits its command at spaces: by name, from the folder of the program.
    let program = Path::new(env!("CARGO_BIN_EXE_aport-gate-interop-client"));
    let name = program.file_name().unwrap().to_str().unwrap();
    for revision in ["2025-11-25", "2026-07-28"] {
        let reports = tempfile::tempdir().unwrap();
        let ended = run(node
            .command("@modelcontextprotocol/conformance/dist/index.js")
            .current_dir(program.parent().unwrap())
            .arg("client")
            .arg("--command")
            .arg(format!(".{MAIN_SEPARATOR}{name}"))
            .args(["--requirements", revision])
            .arg("--expected-failures")
            .arg(baselines.join(format!("conformance-{revision}.yml")))
            .arg("--output-dir")
            .arg(reports.path()));
        assert_eq!(ended.code(), Some(0), "{revision}: {}", ended.said());
    }
}
