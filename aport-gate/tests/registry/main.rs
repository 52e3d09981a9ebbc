//! `aport-gate registry` from the outside: the built command, over sockets.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod access;
mod bodies;
mod crowd;
mod faults;
mod interop;
mod outcomes;
mod passports;
mod repeats;
mod support;
mod tokens;
mod verify;
