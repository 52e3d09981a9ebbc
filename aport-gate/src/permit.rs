//! Proof of an allow decision.

use aport_gate_oap::{AgentId, Decision, Digest, PackId};
use serde_json::Value;

use crate::facts::FactFields;

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
    pub(crate) facts: FactFields,
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

    /// A fact of this call, by its field: what `facts = …` found and the decision was made on. A body that acts on
    /// this, not on what it looks up anew, does what was allowed; what changed meanwhile it can find out by comparing.
    ///
    /// `None` where the tool has no such fact, and where the fact itself is `None`.
    #[must_use]
    pub fn fact(&self, field: &str) -> Option<&Value> {
        self.facts
            .as_map()
            .get(field)
            .filter(|value| !value.is_null())
    }

    /// The whole decision.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }
}
