//! The example server in registry mode against `aport-gate registry`, each a process of its own: nothing is
//! shared but the wire.
#![allow(missing_docs, clippy::unwrap_used)]

mod decisions;
mod example_client;
mod outage;
mod secrets;
mod settlement;
mod trail;
