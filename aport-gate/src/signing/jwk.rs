//! Public keys as documents (RFC 7517, RFC 8037).

use aport_gate_oap::Digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

use super::error::SignatureError;

/// One public key. Members of other kinds of keys are not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Kind of key: `OKP` for Ed25519.
    pub kty: String,
    /// Curve: `Ed25519`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// The public key, 32 bytes as base64url without padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Id of the key, such as `oap:owner:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
}

/// A set of public keys, as `/.well-known/oap/jwks.json` serves it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwks {
    /// The keys. Those of other kinds than Ed25519 are passed over.
    pub keys: Vec<Jwk>,
}

impl Jwk {
    pub(super) fn of(key: &VerifyingKey) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: Some("Ed25519".to_owned()),
            x: Some(encode(key)),
            kid: Some(owner_kid(key)),
        }
    }

    /// Whether it is an Ed25519 key by its own words.
    pub(super) fn is_ed25519(&self) -> bool {
        self.kty == "OKP" && self.crv.as_deref() == Some("Ed25519")
    }

    pub(super) fn key(&self) -> Result<VerifyingKey, SignatureError> {
        let problem = |problem: &'static str| SignatureError::Key {
            kid: cut(self.kid.as_deref().unwrap_or("(none)")),
            problem,
        };
        let x = self.x.as_deref().unwrap_or_default();
        let bytes: [u8; 32] = BASE64_URL_SAFE_NO_PAD
            .decode(x)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| problem("`x` is not 32 bytes as base64url without padding"))?;
        let key = VerifyingKey::from_bytes(&bytes)
            .map_err(|_| problem("`x` is no point of the curve"))?;
        // Under a key of small order, signatures that nobody made would verify.
        if key.is_weak() {
            return Err(problem("`x` is of small order"));
        }
        Ok(key)
    }
}

/// The id follows from the key: the thumbprint of RFC 7638, of which RFC 8037 gives the form for Ed25519.
pub(super) fn owner_kid(key: &VerifyingKey) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(key));
    let thumbprint = Digest::of(members.as_bytes());
    format!(
        "oap:owner:{}",
        BASE64_URL_SAFE_NO_PAD.encode(thumbprint.as_bytes())
    )
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

fn encode(key: &VerifyingKey) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key.as_bytes())
}
