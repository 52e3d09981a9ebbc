//! The programs: this one, and the server that a client starts.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::{Check, Health};

/// The example server, which a set-up without a server of its own starts.
const SERVER: &str = "aport-gate-server";
/// A program that only has to print its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// This program.
pub(super) fn own() -> Check {
    let place = std::env::current_exe().map(|path| format!(", `{}`", path.display()));
    Check::good(
        "version",
        format!(
            "aport-gate {} on {} {}{}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            place.unwrap_or_default(),
        ),
    )
}

/// The example server, where a shell would find it.
pub(super) async fn server() -> Option<Check> {
    Some(answers(&on_path(SERVER)?).await)
}

/// A program that a client's configuration names, and where it is, if it can be started.
pub(super) async fn command(named: &str) -> (Check, Option<PathBuf>) {
    let path = Path::new(named);
    if path.components().count() > 1 {
        if !path.is_absolute() {
            let found = format!("`{named}` starts from a folder that the client chooses");
            let check = Check::doubtful("command", found).next("name it by its whole path");
            return (check, None);
        }
        let check = usable(path).await;
        let place = (check.health != Health::Bad).then(|| path.to_owned());
        return (check, place);
    }
    let Some(path) = on_path(named) else {
        let check = Check::bad("command", format!("there is no `{named}` on the PATH"));
        return (check.next("name the program by its whole path"), None);
    };
    let check = usable(&path).await;
    if check.health == Health::Bad {
        return (check, None);
    }
    if check.is_good() {
        let place = path.display();
        let found = format!("`{named}` is `{place}` here; a desktop client may have another PATH");
        let next = format!("name it by its whole path, `{place}`");
        return (Check::doubtful("command", found).next(next), Some(path));
    }
    (check, Some(path))
}

/// Whether it is the example server.
pub(super) fn is_our_server(path: &Path) -> bool {
    path.file_stem().is_some_and(|name| name == SERVER)
}

async fn usable(path: &Path) -> Check {
    let place = path.display();
    if !path.is_file() {
        return Check::bad("command", format!("there is no program `{place}`"))
            .next("correct the command, or install the server: `cargo install --path examples`");
    }
    if !may_run(path) {
        return Check::bad("command", format!("`{place}` may not be run"))
            .next(format!("chmod u+x {place}"));
    }
    // Only our own server is started to ask for its version: another program may do anything.
    if is_our_server(path) {
        return answers(path).await;
    }
    Check::good("command", format!("`{place}`"))
}

#[cfg(unix)]
fn may_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

/// Windows goes by the name's ending.
#[cfg(not(unix))]
fn may_run(_path: &Path) -> bool {
    true
}

fn on_path(name: &str) -> Option<PathBuf> {
    let file = if name.ends_with(EXE_SUFFIX) {
        name.to_owned()
    } else {
        format!("{name}{EXE_SUFFIX}")
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file() && may_run(path))
}

async fn answers(path: &Path) -> Check {
    let place = path.display();
    let version = tokio::process::Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let reinstall = "install it anew: `cargo install --path examples`";
    match tokio::time::timeout(PATIENCE, version).await {
        Ok(Ok(output)) if output.status.success() => {
            let told = String::from_utf8_lossy(&output.stdout);
            let told = told.trim();
            let found = format!("`{place}` is {told}");
            if told.split_whitespace().last() == Some(env!("CARGO_PKG_VERSION")) {
                Check::good("server", found)
            } else {
                Check::doubtful("server", format!("{found}, of another version than this"))
                    .next(reinstall)
            }
        }
        Ok(Ok(output)) => {
            Check::bad("server", format!("`{place}` ended with {}", output.status)).next(reinstall)
        }
        Ok(Err(error)) => {
            Check::bad("server", format!("`{place}` does not start: {error}")).next(reinstall)
        }
        Err(_) => Check::bad("server", format!("`{place}` does not answer")).next(reinstall),
    }
}
