//! Looks the facts up, for an agent in good standing and within the deadline.

use std::panic::AssertUnwindSafe;

use aport_gate_oap::AgentId;
use futures::FutureExt as _;
use tokio::time::{Instant, timeout_at};

use super::Incoming;
use super::prepared::Prepared;
use super::refused::{cancelled, facts_failed, no_facts};
use crate::facts::{FactFields, FactsError};
use crate::gate::Gate;
use crate::redaction::Secrets;
use crate::refusal::Refusal;

/// What is known of the facts of a call.
pub(super) enum Facts {
    /// The tool has none.
    NotDeclared,
    /// Nobody without a passport in good standing makes the server ask its own systems.
    NotAsked,
    Found(FactFields),
}

/// Why the facts cannot be had.
pub(super) enum Failed {
    Refused(Refusal),
    Error(FactsError),
}

impl Failed {
    /// The refusal; `secrets` where the tool redacts.
    pub(super) fn refusal(self, secrets: Option<&Secrets>) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Error(error) => facts_failed(&error, secrets),
        }
    }
}

/// What was found.
pub(super) async fn look_up<'s>(
    gate: &Gate,
    incoming: &Incoming,
    agent: &AgentId,
    call: &mut (dyn Prepared<'s> + 's),
    deadline: Instant,
) -> Result<Facts, Failed> {
    let good = gate.inner.is_in_good_standing(agent);
    if !good.map_err(Failed::Refused)? {
        return Ok(Facts::NotAsked);
    }
    // Called inside the future, so that a panic before its first await is caught too.
    let asking = AssertUnwindSafe(async { call.facts().await }).catch_unwind();
    let asked = tokio::select! {
        biased;
        () = incoming.cancelled.cancelled() => return Err(Failed::Refused(cancelled())),
        asked = timeout_at(deadline, asking) => asked,
    };
    match asked {
        Ok(Ok(Ok(found))) => Ok(Facts::Found(found)),
        Ok(Ok(Err(error))) => Err(Failed::Error(error)),
        Ok(Err(_)) => Err(Failed::Refused(no_facts(": looking them up panicked"))),
        Err(_) => Err(Failed::Refused(no_facts(&format!(
            ": they were not there within {} ms",
            gate.inner.timeout.as_millis()
        )))),
    }
}
