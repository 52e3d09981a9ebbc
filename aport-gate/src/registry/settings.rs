//! What an operator decides when the registry starts.

use std::time::Duration;

/// How a registry serves.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Issues passports without a key, with demo limits; loopback only.
    pub(crate) dev: bool,
    /// It listens on loopback, and no proxy in front forwards calls of others: only this machine
    /// reaches it.
    pub(crate) only_this_machine: bool,
    /// A passport in the body counts.
    pub(crate) body_passports: bool,
    /// A policy pack in the body counts.
    pub(crate) body_policies: bool,
    /// Requests a minute for one agent, key or address; none for no bound.
    pub(crate) rate: Option<u32>,
    /// How long a new signing key is published before it signs.
    pub(crate) new_key_after: Duration,
    /// How long after a decision its outcome may be reported.
    pub(crate) settle_within: Duration,
    /// Longest time to wait for the whole head of a request, for its whole body, and for a client that does
    /// not read its answer.
    pub(crate) io_timeout: Duration,
    /// Longest time for one decision.
    pub(crate) decision_timeout: Duration,
    /// Most connections at once; further ones wait.
    pub(crate) connections: usize,
    /// Longest wait at the end for what has begun.
    pub(crate) grace: Duration,
}
