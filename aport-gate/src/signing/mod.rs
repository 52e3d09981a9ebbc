//! Signed decisions: Ed25519 (RFC 8032) over the RFC 8785 form of the decision.
//!
//! A decision names its key in `kid` and carries `signature`: `ed25519:` and the base64 of the
//! signature over the canonical form of the document without `signature` (with `kid`).

mod document;
mod error;
mod in_force;
mod jwk;
pub(crate) mod key_file;
mod keys;
mod signer;
#[cfg(test)]
mod tests;
mod verifier;

pub use error::{KeyError, SignatureError};
#[cfg(feature = "cli")]
pub(crate) use in_force::KeyFolder;
pub(crate) use in_force::KeyInForce;
pub use jwk::{Jwk, Jwks};
pub use keys::SigningKeys;
pub use signer::DecisionSigner;
pub use verifier::DecisionVerifier;
