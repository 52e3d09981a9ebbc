//! The signing side.

use std::fmt;

use aport_gate_oap::Decision;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value};

use super::document::{ALGORITHM, KID, SIGNATURE, signed_bytes};
use super::error::SignatureError;
use super::jwk::{Jwk, owner_kid};

/// Signs decisions with one Ed25519 key.
///
/// The key is wiped from memory when this is dropped, and nothing prints it.
#[derive(Clone)]
pub struct DecisionSigner {
    key: SigningKey,
    kid: String,
}

impl DecisionSigner {
    /// A signer with the key of this seed (the private key of RFC 8032): 32 bytes that nobody else knows.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let kid = owner_kid(&key.verifying_key());
        Self { key, kid }
    }

    /// Id of the key: `oap:owner:` and its RFC 7638 thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, for a [`Jwks`](super::Jwks).
    #[must_use]
    pub fn public_key(&self) -> Jwk {
        Jwk::of(&self.key.verifying_key())
    }

    /// Puts `kid` and `signature` into a decision, over what it had.
    ///
    /// # Errors
    /// [`SignatureError::Canonical`] when it holds a number beyond 2^53.
    pub fn sign(&self, decision: &mut Decision) -> Result<(), SignatureError> {
        decision.kid = Some(self.kid.clone());
        decision.signature = None;
        let Value::Object(document) = serde_json::to_value(&*decision)? else {
            return Err(SignatureError::NotAnObject);
        };
        decision.signature = Some(self.signature(&document)?);
        Ok(())
    }

    /// As [`sign`](Self::sign), for a decision as JSON.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_document(&self, document: &mut Map<String, Value>) -> Result<(), SignatureError> {
        document.insert(KID.to_owned(), self.kid.clone().into());
        let signature = self.signature(document)?;
        document.insert(SIGNATURE.to_owned(), signature.into());
        Ok(())
    }

    /// Signature over other bytes than a decision's: those of a token.
    #[cfg(feature = "cli")]
    pub(crate) fn sign_bytes(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes).to_bytes()
    }

    fn signature(&self, document: &Map<String, Value>) -> Result<String, SignatureError> {
        let signature = self.key.sign(&signed_bytes(document)?);
        Ok(format!(
            "{ALGORITHM}{}",
            BASE64_STANDARD.encode(signature.to_bytes())
        ))
    }
}

impl fmt::Debug for DecisionSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecisionSigner")
            .field("kid", &self.kid)
            .field("key", &"[redacted]")
            .finish()
    }
}
