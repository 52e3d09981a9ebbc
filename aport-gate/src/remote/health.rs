//! What is known of a registry's health, for whoever watches a gate.

use jiff::Timestamp;

/// How the registry of a gate does, by the calls that asked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryHealth {
    /// The last call got an answer, or none has asked yet.
    Answering,
    /// Calls failed in a row, each with its retries; the next one asks again.
    Failing {
        /// How many.
        failures: u32,
        /// Since when.
        since: Timestamp,
        /// Code of the last failure, such as `gate.registry_unreachable`.
        last: &'static str,
    },
    /// Too many failed: it is left alone, and every call is refused with `gate.registry_paused`.
    Paused {
        /// Since when calls fail.
        since: Timestamp,
        /// When one call tries again.
        until: Timestamp,
        /// Code of the last failure.
        last: &'static str,
    },
}
