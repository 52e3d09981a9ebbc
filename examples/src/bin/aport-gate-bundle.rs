//! Builds an MCP bundle of `aport-gate-server`.

use std::process::ExitCode;

use aport_gate_examples::bundle::{self, BundleCli};
use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match bundle::build(&BundleCli::parse()).await {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
