//! The commands of the operator's guide, as they are printed.

use std::process::Command;

use aport_gate::Gate;

use crate::support::Place;

const PAGE: &str = include_str!("../../docs/operating.md");

/// The fenced blocks of shell, each with what stands behind `sh`.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let parts = PAGE.split("```").skip(1).step_by(2);
    parts
        .filter_map(|part| part.strip_prefix("sh")?.split_once('\n'))
        .collect()
}

#[tokio::test]
async fn every_command_of_the_guide_works_as_printed() {
    let place = Place::new();
    let command = std::path::Path::new(env!("CARGO_BIN_EXE_aport-gate"));
    let path = std::env::join_paths(
        std::iter::once(command.parent().unwrap().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    let blocks = blocks();
    assert!(blocks.len() > 6, "{blocks:?}");
    for (tags, script) in blocks {
        if tags.contains("needs-ledger") {
            // A server makes it when it starts.
            let gate = Gate::builder().home(place.home()).build().await.unwrap();
            drop(gate);
        }
        let mut shell = Command::new("sh");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("APORT_") {
                shell.env_remove(name);
            }
        }
        let output = shell
            .args(["-euc", script])
            .env("APORT_HOME", place.home())
            .env("PATH", &path)
            .current_dir(place.path(""))
            .output()
            .unwrap();
        let expected = i32::from(tags.contains("exits-1"));
        assert_eq!(output.status.code(), Some(expected), "{script}\n{output:?}");
    }
}
