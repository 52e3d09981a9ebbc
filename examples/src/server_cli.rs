//! The server's command line.

use clap::Parser;

/// An MCP server on standard input and output with two gated tools.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct ServerCli {
    /// Print what guards each tool, as JSON, and leave.
    #[arg(long)]
    pub inventory: bool,
}
