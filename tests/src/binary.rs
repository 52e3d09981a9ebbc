//! Where the binaries are. They belong to other packages, so cargo does not
//! tell this one.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const BUILD: Duration = Duration::from_secs(1200);

/// Path of `aport-gate-server`: `APORT_GATE_SERVER`, else built once beside
/// the running test.
///
/// # Panics
/// When it cannot be built or found.
pub fn server_binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| binary("APORT_GATE_SERVER", "aport-gate-server"))
}

/// Path of `aport-gate-client`: `APORT_GATE_CLIENT`, else built once beside
/// the running test.
///
/// # Panics
/// When it cannot be built or found.
pub fn client_binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| binary("APORT_GATE_CLIENT", "aport-gate-client"))
}

/// Path of `aport-gate-bundle`: `APORT_GATE_BUNDLE`, else built once beside the
/// running test.
///
/// # Panics
/// When it cannot be built or found.
pub fn bundle_binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| binary("APORT_GATE_BUNDLE", "aport-gate-bundle"))
}

/// Path of `aport-gate`: `APORT_GATE_COMMAND`, else built once beside the
/// running test.
///
/// # Panics
/// When it cannot be built or found.
pub fn command_binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| binary("APORT_GATE_COMMAND", "aport-gate"))
}

fn binary(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    // target/<profile>/deps/<test>
    let test = std::env::current_exe().unwrap();
    let profile_folder = test.ancestors().nth(2).unwrap();
    if let Some(cargo) = std::env::var_os("CARGO") {
        let profile = match profile_folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            other => other,
        };
        let mut build = Command::new(cargo)
            .args(["build", "--quiet", "--bin", name])
            .args(["--profile", profile, "--target-dir"])
            .arg(profile_folder.parent().unwrap())
            // With the members that `cargo test` at the root has, features agree
            // and next to nothing is built twice.
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("cargo starts");
        let status = wait_for(&mut build, BUILD).expect("it builds in time");
        assert!(status.success(), "`{name}` does not build");
    }
    let path = profile_folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "`{}` is missing; run the tests through cargo, or set {variable}",
        path.display()
    );
    path
}

/// Waits for the end of a child; ends it and returns `None` after `limit`.
///
/// # Panics
/// When the child cannot be waited for.
pub fn wait_for(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}
