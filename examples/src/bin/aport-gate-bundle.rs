//! Builds an MCP bundle of `aport-gate-server`.

use std::process::ExitCode;

use aport_gate::terminal::parse;
use aport_gate_examples::NextStep as _;
use aport_gate_examples::bundle::{self, BundleCli};

#[tokio::main]
async fn main() -> ExitCode {
    let (cli, _) = match parse::<BundleCli>() {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    match bundle::build(&cli).await {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            error.tell(cli.json);
            ExitCode::from(2)
        }
    }
}
