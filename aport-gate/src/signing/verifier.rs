//! The checking side.

use std::collections::BTreeMap;

use aport_gate_oap::Decision;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;

use super::document::{ALGORITHM, KID, SIGNATURE, signed_bytes};
use super::error::SignatureError;
use super::jwk::{Jwks, cut};

/// Padding is optional in the decision schema's pattern.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Checks decisions against a set of public keys.
///
/// ```
/// use aport_gate::{DecisionSigner, DecisionVerifier, Jwks};
/// use serde_json::json;
///
/// let signer = DecisionSigner::from_seed(&[7; 32]);
/// let serde_json::Value::Object(mut decision) = json!({ "allow": true }) else { unreachable!() };
/// signer.sign_document(&mut decision)?;
///
/// let verifier = DecisionVerifier::new(&Jwks { keys: vec![signer.public_key()] })?;
/// assert!(verifier.verify_document(&decision.clone().into()).is_ok());
/// decision["allow"] = json!(false);
/// assert!(verifier.verify_document(&decision.into()).is_err());
/// # Ok::<(), aport_gate::SignatureError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DecisionVerifier {
    keys: BTreeMap<String, VerifyingKey>,
}

impl DecisionVerifier {
    /// A verifier that believes these keys.
    ///
    /// # Errors
    /// [`SignatureError::Key`] for an Ed25519 key without an id, with the id of another, or that is
    /// malformed or weak: half a key set is no key set.
    pub fn new(keys: &Jwks) -> Result<Self, SignatureError> {
        let mut by_kid = BTreeMap::new();
        for jwk in keys.keys.iter().filter(|jwk| jwk.is_ed25519()) {
            let problem = |kid: &str, problem| SignatureError::Key {
                kid: cut(kid),
                problem,
            };
            let kid = jwk
                .kid
                .as_deref()
                .ok_or_else(|| problem("(none)", "it has no `kid`"))?;
            if by_kid.insert(kid.to_owned(), jwk.key()?).is_some() {
                return Err(problem(kid, "two keys have this id"));
            }
        }
        Ok(Self { keys: by_kid })
    }

    /// Whether it believes no key at all.
    #[cfg(feature = "registry")]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Checks a decision as it was received, unknown fields included, and tells the key's id.
    ///
    /// Whether the decision allows, for whom, and whether it has expired, is for the caller to look at.
    ///
    /// # Errors
    /// [`SignatureError`], which says what is missing, malformed or does not match.
    pub fn verify_document<'d>(&self, document: &'d Value) -> Result<&'d str, SignatureError> {
        let document = document.as_object().ok_or(SignatureError::NotAnObject)?;
        let text = |field, expected| {
            let value = document.get(field).and_then(Value::as_str);
            value.ok_or(SignatureError::Field { field, expected })
        };
        let kid = text(KID, "the id of a key")?;
        let expected = "`ed25519:` and the base64 of 64 bytes";
        let signature: [u8; 64] = text(SIGNATURE, expected)?
            .strip_prefix(ALGORITHM)
            .and_then(|encoded| BASE64.decode(encoded).ok()?.try_into().ok())
            .ok_or(SignatureError::Field {
                field: SIGNATURE,
                expected,
            })?;
        let key = self
            .keys
            .get(kid)
            .ok_or_else(|| SignatureError::UnknownKey { kid: cut(kid) })?;
        let bytes = signed_bytes(document)?;
        // Strict: a signature that only some implementations accept is none.
        key.verify_strict(&bytes, &Signature::from_bytes(&signature))
            .map_err(|_| SignatureError::Mismatch {
                kid: kid.to_owned(),
            })?;
        Ok(kid)
    }

    /// Checks a signature over other bytes than a decision's.
    #[cfg(feature = "cli")]
    pub(crate) fn verify_bytes(
        &self,
        kid: &str,
        bytes: &[u8],
        signature: &[u8; 64],
    ) -> Result<(), SignatureError> {
        let unknown = || SignatureError::UnknownKey { kid: cut(kid) };
        self.keys
            .get(kid)
            .ok_or_else(unknown)?
            .verify_strict(bytes, &Signature::from_bytes(signature))
            .map_err(|_| SignatureError::Mismatch { kid: cut(kid) })
    }

    /// As [`verify_document`](Self::verify_document), for a decision that this crate made.
    ///
    /// A decision that was received must be checked as the JSON that it was: reading it into a
    /// [`Decision`] drops fields that were signed.
    ///
    /// # Errors
    /// As [`verify_document`](Self::verify_document).
    pub fn verify(&self, decision: &Decision) -> Result<(), SignatureError> {
        let document = serde_json::to_value(decision)?;
        self.verify_document(&document).map(|_| ())
    }
}
