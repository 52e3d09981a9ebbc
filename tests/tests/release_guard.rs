//! The testing kit cannot be in a build without debug assertions by accident.

use std::path::Path;
use std::process::Command;

#[test]
fn a_release_with_the_testing_kit_does_not_compile() {
    // target/<profile>/deps/<test>; what is built there already is used again.
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    let build = Command::new(std::env::var_os("CARGO").expect("run through cargo"))
        .args(["build", "--package", "aport-gate-examples"])
        .args(["--bin", "aport-gate-server"])
        .args(["--features", "aport-gate/testing"])
        // As a release has it, for the one package that looks.
        .args([
            "--config",
            "profile.dev.package.aport-gate.debug-assertions=false",
        ])
        .arg("--target-dir")
        .arg(target)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&build.stderr);
    assert!(!build.status.success(), "{said}");
    assert!(
        said.contains("the feature `testing` of aport-gate is on in a build without"),
        "{said}"
    );
}
