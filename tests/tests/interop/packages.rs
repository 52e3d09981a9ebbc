//! Where the packages of other ecosystems are, or a notice that they are not there.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

/// Node of the version that the newest of the packages needs, and the folder with all of them.
pub(crate) struct Node {
    pub(crate) program: PathBuf,
    pub(crate) packages: PathBuf,
}

impl Node {
    pub(crate) fn find(test: &str) -> Option<Self> {
        let installed = std::env::var_os("APORT_NODE_PACKAGES").map(PathBuf::from);
        let node = installed.map(|folder| Self {
            program: folder.join(format!(
                "node_modules/node/bin/node{}",
                std::env::consts::EXE_SUFFIX
            )),
            packages: folder,
        });
        if node.as_ref().is_some_and(|node| node.program.is_file()) {
            return node;
        }
        skip(
            test,
            "run `npm ci` in a copy of `tests/interop`, and name that folder in APORT_NODE_PACKAGES",
        );
        None
    }

    /// Node, running a program of a package.
    pub(crate) fn command(&self, script: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(self.packages.join("node_modules").join(script))
            .env("APORT_NODE_PACKAGES", &self.packages);
        command
    }
}

/// The program that a variable names.
pub(crate) fn program(test: &str, variable: &str, package: &str) -> Option<OsString> {
    let program = std::env::var_os(variable);
    if program.is_none() {
        skip(
            test,
            &format!("install the Python package `{package}`, and name its program in {variable}"),
        );
    }
    program
}

fn skip(test: &str, next: &str) {
    let message = format!("{test}: skipped; {next}");
    assert!(
        std::env::var("APORT_REQUIRE_INTEROP").as_deref() != Ok("1"),
        "{message}"
    );
    // Not `eprintln!`, whose output a passing test hides.
    let _ = writeln!(std::io::stderr(), "{message}");
}
