//! Finding, building and starting the server.

use std::{
    env::consts::EXE_SUFFIX,
    path::{Path, PathBuf},
    time::Duration,
};

use aport_gate::rmcp::{
    RoleClient, ServiceExt as _,
    service::{ClientInitializeError, RunningService},
    transport::TokioChildProcess,
};
use tokio::{process::Command, time::timeout};

use crate::{RunError, seen};

const SERVER: &str = "aport-gate-server";
/// A program that is no MCP server may read for ever and never answer.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// The server beside this program; built when it is not there, because
/// `cargo run --bin aport-gate-client` builds only the client.
pub(crate) async fn locate(named: Option<&Path>) -> Result<PathBuf, RunError> {
    if let Some(path) = named {
        return if path.is_file() {
            Ok(path.to_owned())
        } else {
            Err(no_server(
                path,
                match path.is_dir() {
                    true => "it is a folder",
                    false => "there is no such file",
                },
            ))
        };
    }
    let own = std::env::current_exe()?;
    let path = own.with_file_name(format!("{SERVER}{EXE_SUFFIX}"));
    // Older than this program may mean older than the code it shares with it.
    if !(path.is_file() && at_least_as_new(&path, &own)) {
        build(&path).await?;
    }
    if path.is_file() {
        Ok(path)
    } else {
        Err(no_server(&path, "`cargo build` put it somewhere else"))
    }
}

/// Starts `server` and speaks MCP with it over its standard input and output.
/// `configure` sets its environment.
pub(crate) async fn start(
    server: &Path,
    configure: impl FnOnce(&mut Command),
) -> Result<RunningService<RoleClient, ()>, RunError> {
    let failed = |problem: String| RunError::Start {
        path: server.to_owned(),
        problem,
    };
    let mut command = Command::new(server);
    if std::env::var_os("RUST_LOG").is_none() {
        command.env("RUST_LOG", "error");
    }
    configure(&mut command);
    let transport = TokioChildProcess::new(command).map_err(|error| failed(error.to_string()))?;
    match timeout(HANDSHAKE, ().serve(transport)).await {
        Ok(served) => served.map_err(|error| failed(unanswered(&error))),
        Err(_) => Err(failed(format!(
            "it did not answer within {} seconds",
            HANDSHAKE.as_secs()
        ))),
    }
}

/// What a handshake failed by: rmcp names its own types, and not what is wrong with the program.
fn unanswered(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::JsonRpcError(refusal) => {
            format!("it refused the handshake: {}", seen::line(&refusal.message))
        }
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
            "it speaks no version of MCP that this program knows".to_owned()
        }
        ClientInitializeError::ConnectionClosed(_)
        | ClientInitializeError::TransportError { .. } => {
            "it does not speak MCP, or died: it ended before it answered".to_owned()
        }
        _ => "it does not speak MCP: its first answer is none of that protocol".to_owned(),
    }
}

fn at_least_as_new(path: &Path, than: &Path) -> bool {
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    matches!((modified(path), modified(than)), (Ok(path), Ok(than)) if path >= than)
}

async fn build(path: &Path) -> Result<(), RunError> {
    // `cargo run` sets it. Without it this program was installed or copied,
    // and an older server beside it is the one that was meant.
    let Some(cargo) = std::env::var_os("CARGO") else {
        return if path.is_file() {
            Ok(())
        } else {
            Err(no_server(
                path,
                "this program was not started by `cargo run`, so it does not build one",
            ))
        };
    };
    eprintln!("building {SERVER} …");
    let mut command = Command::new(cargo);
    // From the workspace's root, as `cargo run` there: the same features, so
    // that nothing is built twice.
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args(["build", "--quiet", "--bin", SERVER]);
    let profile = path.parent();
    if profile
        .and_then(Path::file_name)
        .is_some_and(|name| name == "release")
    {
        command.arg("--release");
    }
    if let Some(target) = profile.and_then(Path::parent) {
        command.arg("--target-dir").arg(target);
    }
    let status = command.stdout(std::process::Stdio::null()).status().await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(no_server(
            path,
            &format!("`cargo build` ended with {status}"),
        )),
        Err(error) => Err(no_server(
            path,
            &format!("`cargo build` did not start: {error}"),
        )),
    }
}

fn no_server(path: &Path, problem: &str) -> RunError {
    RunError::NoServer {
        path: path.to_owned(),
        problem: problem.to_owned(),
    }
}
