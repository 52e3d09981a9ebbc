//! What the tests from the outside share: the example server as a child
//! process, spoken to in raw JSON-RPC, and a folder of state for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a failure here is a failed test"
)]

mod answer;
mod binary;
mod home;
mod http_server;
pub mod in_process;
mod listening;
mod operator;
mod process;
mod registry;
pub mod rustc;

pub use answer::Answer;
pub use binary::{bundle_binary, client_binary, command_binary, server_binary, wait_for};
pub use home::{AGENT, Home, passport, refund_arguments};
pub use http_server::{HttpAnswer, HttpServerProcess, read_answer};
pub use operator::Operated;
pub use process::{ServerProcess, server_command};
pub use registry::RegistryProcess;
