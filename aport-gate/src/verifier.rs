//! The policy decision point of a gate: the embedded engine, or a registry.

#[cfg(feature = "testing")]
use crate::clock::Clock;
use crate::known_packs::KnownPacks;
use crate::ledger::{Ledger, Recorded};
use crate::local::{LocalVerifier, Query};
use crate::refusal::Refusal;
#[cfg(feature = "registry")]
use crate::remote::RegistryVerifier;
use aport_gate_oap::AgentId;
use tokio::time::Instant;

#[allow(clippy::large_enum_variant, reason = "there is one a gate")]
pub(crate) enum Verifier {
    Local(LocalVerifier),
    #[cfg(feature = "registry")]
    Registry(RegistryVerifier),
}

impl Verifier {
    /// Decides, and writes the decision down.
    pub(crate) async fn verify(
        &self,
        ledger: &Ledger,
        query: Query,
        deadline: Instant,
    ) -> Result<Recorded, Refusal> {
        match self {
            Self::Local(verifier) => {
                // Nothing in it waits for anybody else; the call's own timer bounds it.
                let _ = deadline;
                verifier.verify(ledger, query).await
            }
            #[cfg(feature = "registry")]
            Self::Registry(verifier) => verifier.verify(ledger, query, deadline).await,
        }
    }

    /// As the span of a call names it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Local(_) => "local",
            #[cfg(feature = "registry")]
            Self::Registry(_) => "registry",
        }
    }

    pub(crate) fn packs(&self) -> &KnownPacks {
        match self {
            Self::Local(verifier) => verifier.known_packs(),
            #[cfg(feature = "registry")]
            Self::Registry(verifier) => &verifier.packs,
        }
    }

    /// Whether the agent's passport is known and in force now, as far as this process can tell.
    pub(crate) fn is_in_good_standing(&self, agent: &AgentId) -> Result<bool, Refusal> {
        match self {
            Self::Local(verifier) => verifier.is_in_good_standing(agent),
            // The registry has the passports. It denies what it denies with the facts as well.
            #[cfg(feature = "registry")]
            Self::Registry(_) => Ok(true),
        }
    }

    /// The agent's passport, where the passports are here.
    pub(crate) fn local_passport(
        &self,
        agent: &AgentId,
    ) -> Result<Option<std::sync::Arc<aport_gate_oap::Passport>>, Refusal> {
        match self {
            Self::Local(verifier) => verifier.passport(agent),
            #[cfg(feature = "registry")]
            Self::Registry(_) => Ok(None),
        }
    }

    /// The registry, where one decides.
    #[cfg(feature = "registry")]
    pub(crate) fn registry(&self) -> Option<&crate::remote::RegistryClient> {
        match self {
            Self::Local(_) => None,
            Self::Registry(verifier) => Some(verifier.client()),
        }
    }

    /// Whether the packs that decide are somewhere else.
    pub(crate) fn is_remote(&self) -> bool {
        !matches!(self, Self::Local(_))
    }

    #[cfg(feature = "testing")]
    pub(crate) fn set_clock(&mut self, clock: Clock) {
        match self {
            Self::Local(verifier) => verifier.clock = clock,
            #[cfg(feature = "registry")]
            Self::Registry(verifier) => verifier.clock = clock,
        }
    }
}
