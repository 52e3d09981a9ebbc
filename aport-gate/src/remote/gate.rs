//! What a gate tells of its registry.

use std::time::Duration;

use super::health::RegistryHealth;
use crate::gate::Gate;
use crate::verifier::Verifier;

impl Gate {
    /// Waits until the registry knows what became of the calls so far, at most this long, and tells
    /// whether it does. A gate without a registry has nobody to tell.
    ///
    /// [`Server::serve_stdio`](crate::Server::serve_stdio) does it by itself. What the registry is not told,
    /// it holds: nothing is spent twice.
    pub async fn outcomes_reported(&self, at_most: Duration) -> bool {
        match &self.inner.verifier {
            Verifier::Local(_) => true,
            Verifier::Registry(verifier) => verifier.reported(at_most).await,
        }
    }

    /// How the registry of this gate does; none in local mode. Asks nobody: it tells what the calls met.
    #[must_use]
    pub fn registry_health(&self) -> Option<RegistryHealth> {
        match &self.inner.verifier {
            Verifier::Local(_) => None,
            Verifier::Registry(verifier) => Some(verifier.health()),
        }
    }
}
