//! Why an example could not run at all, as opposed to being refused.

use std::path::PathBuf;

use aport_gate::{ClientError, LedgerError, RegistryError};

use crate::SettingError;

/// What kept a command from running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// No home directory.
    #[error("no per-user data directory is known; set `APORT_HOME` to a directory")]
    NoHome,
    /// A file could not be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A passport file is not a JSON object.
    #[error("`{}` is not a passport: {problem}", path.display())]
    Passport {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// No server binary.
    #[error("no server at `{}`: {problem}; build it with `cargo build --bin aport-gate-server`, or name one with `--server`", path.display())]
    NoServer {
        /// Where it was looked for.
        path: PathBuf,
        /// Why it was not built.
        problem: String,
    },
    /// A bundle of it would not start.
    #[error("no bundle can be made of `{}`: {problem}", path.display())]
    NotForBundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The server could not be started, or does not speak MCP.
    #[error("cannot start `{}`: {problem}", path.display())]
    Start {
        /// The server's binary.
        path: PathBuf,
        /// What went wrong.
        problem: String,
    },
    /// Arguments of a tool are not a JSON object.
    #[error("arguments must be a JSON object, e.g. '{{\"order_id\":\"ORD-1\"}}': {0}")]
    Arguments(String),
    /// No access token where one was named.
    #[error("environment variable `{0}` is not set; put the access token for `--http` into it")]
    NoToken(String),
    /// The access token is empty, or was not filled in.
    #[error(
        "environment variable `{0}` is empty or holds an unexpanded `${{…}}`; put the access token into it"
    )]
    UnusableToken(String),
    /// The demonstration has no use for a server that runs already.
    #[error(
        "the demonstration starts a server of its own; with `--http` give a command, such as `call`"
    )]
    DemoOverHttp,
    /// A variable of the environment cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The client failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Registry mode without a registry.
    #[error(
        "`APORT_MODE` is `registry`: name yours in `APORT_BASE_URL`; `aport-gate registry --dev` starts one"
    )]
    NoRegistry,
    /// The registry gave no passport for the demonstration.
    #[error(
        "the registry issues no passport for the demonstration: {0}; `aport-gate registry --dev` does without a key, any other needs an administrator's in `APORT_API_KEY`"
    )]
    Registry(RegistryError),
    /// The registry cannot be asked.
    #[error(transparent)]
    Gate(#[from] aport_gate::Error),
    /// Standard output is gone.
    #[error("cannot write the result: {0}")]
    Output(#[from] std::io::Error),
}
