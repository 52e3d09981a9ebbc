//! What the example server exports of its calls, as a collector reads it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod collector;
mod dead;
mod endpoint;
mod export;
#[cfg(unix)]
mod over_http;
mod server;
