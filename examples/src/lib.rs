//! An MCP server whose two tools stand behind a policy gate, and a client that
//! meets its denials.
//!
//! Both run from a fresh clone: `cargo run --bin aport-gate-client` starts the
//! server itself. The payment desk and the git host are simulated, unless the
//! environment has the keys of real ones: [`StripeDesk`] and [`GitHubHost`].

pub mod agent;
pub mod bundle;
mod bundled;
pub mod call_command;
mod call_report;
pub mod cli;
pub mod demo;
mod desk_error;
mod desks;
mod git_host;
mod github;
mod home;
mod journal;
mod next_step;
mod payment_desk;
mod printed;
pub mod report;
mod run_error;
mod seen;
mod server_cli;
mod server_process;
mod setting;
mod stripe;
mod telemetry;
mod tools;
pub mod tools_command;
mod transport;

pub use bundled::relaunch;
pub use call_report::{CallOutcome, CallReport};
pub use desk_error::{DeskError, DeskFuture, Merged};
pub use desks::Desks;
pub use git_host::{GitHost, Merge, PullRequest, ReviewState, SimulatedGitHost};
pub use github::GitHubHost;
pub use home::home;
pub use next_step::NextStep;
pub use payment_desk::{
    Mandate, Payment, PaymentDesk, Refund, RefundOrder, RefundStatus, SimulatedPaymentDesk,
};
pub use run_error::RunError;
pub use server_cli::ServerCli;
pub use setting::SettingError;
pub use stripe::StripeDesk;
pub use telemetry::Telemetry;
pub use tools::{merge_pull_request, process_refund, tools};
