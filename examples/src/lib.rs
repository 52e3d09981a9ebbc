//! An MCP server whose two tools stand behind a policy gate, and a client that
//! meets its denials.
//!
//! Both run from a fresh clone: `cargo run --bin aport-gate-client` starts the
//! server itself. The payment desk and the git host are simulated; a real one
//! takes their place behind [`PaymentDesk`] and [`GitHost`].

pub mod call_command;
pub mod cli;
pub mod demo;
mod desk_error;
mod desks;
mod git_host;
mod home;
mod journal;
mod payment_desk;
pub mod report;
mod run_error;
mod server_cli;
mod server_process;
mod tools;

pub use desk_error::{DeskError, DeskFuture};
pub use desks::Desks;
pub use git_host::{GitHost, Merge, PullRequest, ReviewState, SimulatedGitHost};
pub use home::home;
pub use payment_desk::{PaymentDesk, Refund, RefundOrder, SimulatedPaymentDesk};
pub use run_error::RunError;
pub use server_cli::ServerCli;
pub use tools::{merge_pull_request, process_refund, tools};
