//! The client's command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Passport that the demonstration and `call` use unless told otherwise.
pub const DEMO_AGENT: &str = "ap_a2d10232c6534523812423eec8a1425c";

/// Calls the gated tools of `aport-gate-server`. Without a command it runs a
/// demonstration in a fresh directory.
///
/// Exit code: 0 as expected or allowed, 1 not as expected or refused, 2 could
/// not run, 3 nobody knows whether the called tool ran.
#[derive(Debug, Parser)]
#[command(name = "aport-gate-client", version, about)]
pub struct Cli {
    /// What to do; a demonstration if absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Keep the demonstration's directory and print where it is.
    #[arg(long)]
    pub keep: bool,
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// One JSON object for machines instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Server to start, instead of the one beside this program.
    #[arg(long, global = true, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Server to call over streamable HTTP instead of starting one, such as
    /// `http://127.0.0.1:8080/mcp`.
    #[arg(long, global = true, value_name = "URL", conflicts_with = "server")]
    pub http: Option<String>,
    /// Environment variable that holds the access token for `--http`.
    #[arg(long, global = true, value_name = "NAME", requires = "http")]
    pub token_env: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Call one tool.
    Call(Call),
    /// List the server's tools, the policies that guard them and the arguments they require.
    Tools(Tools),
}

/// Who calls, and where the server has its state.
#[derive(Debug, Args)]
pub struct Caller {
    /// Passport to call as.
    #[arg(long, value_name = "ID", env = "APORT_AGENT_ID", default_value = DEMO_AGENT)]
    pub agent: String,
    /// The server's `APORT_HOME`: passports, packs and ledger.
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
}

/// A listing.
#[derive(Debug, Args)]
pub struct Tools {
    /// Who asks.
    #[command(flatten)]
    pub caller: Caller,
}

/// A call of one tool.
#[derive(Debug, Args)]
pub struct Call {
    /// Tool to call, e.g. `process_refund`.
    pub tool: String,
    /// Its arguments, a JSON object.
    #[arg(default_value = "{}")]
    pub arguments: String,
    /// After a denial, adjust the arguments and call again, up to N times.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub retry_on_denial: u32,
    /// Adjust by halving this argument, instead of taking the limit that the
    /// denial names.
    #[arg(long, value_name = "ARGUMENT")]
    pub halve: Option<String>,
    /// Who calls.
    #[command(flatten)]
    pub caller: Caller,
}
