//! Proof of an allow decision.

use aport_gate_oap::{AgentId, Decision, Digest, PackId};

/// Proof that a recorded decision allows this call.
///
/// Only the gate makes one, after the decision is durable; it can be neither
/// built, cloned nor kept: the body sees it by reference. A function that
/// takes `&Permit` therefore cannot be reached without a decision.
///
/// ```compile_fail
/// let forged = aport_gate::Permit { decision: todo!() };
/// ```
///
/// ```compile_fail
/// fn keep(permit: &aport_gate::Permit) -> aport_gate::Permit {
///     permit.clone()
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    pub(crate) decision: Decision,
    pub(crate) agent: AgentId,
    pub(crate) pack: PackId,
    pub(crate) context_digest: Digest,
}

impl Permit {
    /// Id of the decision, as it stands in the audit trail.
    #[must_use]
    pub fn decision_id(&self) -> &str {
        &self.decision.decision_id
    }

    /// The agent on whose behalf the call is made.
    #[must_use]
    pub fn agent_id(&self) -> &AgentId {
        &self.agent
    }

    /// The pack that allowed the call.
    #[must_use]
    pub fn policy_id(&self) -> &PackId {
        &self.pack
    }

    /// SHA-256 of the RFC 8785 form of what was decided on: arguments, mapped
    /// fields, agent and pack.
    #[must_use]
    pub fn context_digest(&self) -> Digest {
        self.context_digest
    }

    /// The whole decision.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }
}
