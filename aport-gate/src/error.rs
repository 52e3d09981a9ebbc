//! What can stop a gate from starting or a server from serving.

use std::path::PathBuf;

use crate::ledger::LedgerError;
use crate::tool_pack::PackMismatch;

/// [`std::result::Result`] with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A gate could not start, or a server could not serve.
///
/// What goes wrong during a call is not an error of this type: it is a
/// refusal, answered to the caller.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An environment variable has a value that cannot be used.
    #[error("environment variable `{variable}` {problem}")]
    Environment {
        /// Its name.
        variable: &'static str,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// `APORT_HOME`, or a folder in it, cannot be used.
    #[error("cannot use `{}` as a folder of the gate's state: {source}; set APORT_HOME to a writable folder", path.display())]
    Home {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// No per-user data folder could be found.
    #[error("no per-user data folder was found; set APORT_HOME")]
    NoHome,
    /// A policy pack does not load.
    #[error("the policy pack of {origin} does not load: {source}")]
    Pack {
        /// Where the pack comes from.
        origin: String,
        /// Why not.
        source: aport_gate_oap::PackError,
    },
    /// The same pack id was given twice.
    #[error("policy pack `{pack}` is there twice: from {first} and from {second}; remove one")]
    DuplicatePack {
        /// The id.
        pack: String,
        /// Where one of them comes from.
        first: String,
        /// Where the other comes from.
        second: String,
    },
    /// A file or folder of policy packs or of their options cannot be read.
    #[error("`{}` cannot be read: {problem}", path.display())]
    PackUnreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// The operator's options for packs do not fit.
    #[error("the pack options of {place} cannot be used: {problem}")]
    PackOptions {
        /// Where they stand.
        place: String,
        /// What does not fit.
        problem: String,
    },
    /// A tool names a pack that the verifier does not have.
    #[error(
        "tool `{tool}` is gated by pack `{pack}`, which this gate does not have; put it into `APORT_HOME/packs` or give it to `Gate::builder().pack(…)`"
    )]
    UnknownPack {
        /// The tool.
        tool: String,
        /// The pack.
        pack: String,
    },
    /// A tool is neither gated nor named as public.
    #[error(
        "tool `{tool}` is not gated{}; put `#[policy_gated(…)]` on it, or name it as public if anybody may run it",
        if *claims { ", although its `_meta` claims so" } else { "" }
    )]
    UngatedTool {
        /// The tool.
        tool: String,
        /// Its listing names a pack, but its handler is not a gated one.
        claims: bool,
    },
    /// A tool is named as public but cannot be.
    #[error("tool `{tool}` is named as public, but {problem}; take its name away")]
    PublicTool {
        /// The tool.
        tool: String,
        /// Why not.
        problem: &'static str,
    },
    /// The pack in force is not the one that a tool was checked against.
    #[error("tool `{tool}` cannot be served: {source}")]
    PackMismatch {
        /// The tool.
        tool: String,
        /// How the packs differ.
        source: PackMismatch,
    },
    /// A tool cannot supply the context that its pack declares.
    #[error("tool `{tool}` does not fit pack `{pack}`: {problems}")]
    Contract {
        /// The tool.
        tool: String,
        /// The pack.
        pack: String,
        /// What is wrong with which field.
        problems: String,
    },
    /// Two tools have the same name.
    #[error("two tools are named `{0}`; give one of them `name = \"…\"`")]
    DuplicateTool(String),
    /// The registry cannot be used as it was set up.
    #[error("the registry cannot be used: {0}")]
    Registry(String),
    /// The signing keys cannot be used.
    #[error(transparent)]
    Keys(#[from] crate::signing::KeyError),
    /// The ledger cannot be opened or read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The MCP session could not start or ended with an error.
    #[error("the MCP session failed: {0}")]
    Session(String),
    /// A server must not be served over HTTP as it was asked to.
    #[error("the server cannot be served over HTTP: {0}")]
    HttpSetup(String),
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}`: {source}; choose another address")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}
