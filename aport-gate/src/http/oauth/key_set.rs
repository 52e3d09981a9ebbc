//! An issuer's public keys (RFC 7517), and signatures by them (RFC 7515, RFC 7518, RFC 8037).

use aport_gate_oap::parse_json;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;

const MOST_KEYS: usize = 100;

/// How a token may be signed: by a private key only. `none` and HMAC do not exist here, so nobody can
/// make a token out of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// The keys that can verify; others of the set are passed over.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    kid: Option<String>,
    /// The only algorithm that it may be used with, if the issuer says so.
    alg: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// `04`, x, y.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// # Errors
    /// It is no key set, it is too large, or none of its keys can verify.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value = parse_json(bytes).map_err(|error| format!("it is not JSON: {error}"))?;
        let document: Document =
            serde_json::from_value(value).map_err(|_| "it has no list `keys`".to_owned())?;
        if document.keys.len() > MOST_KEYS {
            return Err(format!("it has more than {MOST_KEYS} keys"));
        }
        let keys = document.keys.into_iter();
        let keys: Vec<Key> = keys
            .filter_map(|key| serde_json::from_value::<Jwk>(key).ok()?.usable())
            .collect();
        if keys.is_empty() {
            return Err(
                "it has no public key that verifies RS, PS, ES256, ES384 or EdDSA".to_owned(),
            );
        }
        Ok(Self(keys))
    }

    /// How many there are.
    #[cfg(feature = "cli")]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is a key of this id, or, for a token without one, exactly one that fits.
    pub(super) fn knows(&self, kid: Option<&str>, algorithm: Algorithm) -> bool {
        self.fitting(kid, algorithm).next().is_some()
    }

    /// Whether a key of this id that fits the algorithm signed this.
    pub(super) fn verifies(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        self.fitting(kid, algorithm)
            .any(|key| key.verifies(algorithm, message, signature))
    }

    fn fitting(&self, kid: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        let fits = move |key: &&Key| key.fits(algorithm);
        let only = self.0.iter().filter(fits).count() == 1;
        self.0.iter().filter(fits).filter(move |key| match kid {
            Some(kid) => key.kid.as_deref() == Some(kid),
            None => only,
        })
    }
}

impl Jwk {
    fn usable(self) -> Option<Key> {
        let signs = self
            .purpose
            .as_deref()
            .is_none_or(|purpose| purpose == "sig");
        let verifies = self.key_ops.as_ref();
        if !signs || !verifies.is_none_or(|ops| ops.iter().any(|op| op == "verify")) {
            return None;
        }
        let material = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Material::Rsa {
                n: bytes(self.n.as_deref())?,
                e: bytes(self.e.as_deref())?,
            },
            ("EC", Some("P-256")) => Material::P256(self.point(32)?),
            ("EC", Some("P-384")) => Material::P384(self.point(48)?),
            ("OKP", Some("Ed25519")) => {
                Material::Ed25519(bytes(self.x.as_deref()).filter(|x| x.len() == 32)?)
            }
            _ => return None,
        };
        Some(Key {
            kid: self.kid,
            alg: self.alg,
            material,
        })
    }

    fn point(&self, length: usize) -> Option<Vec<u8>> {
        let mut point = vec![4];
        for coordinate in [&self.x, &self.y] {
            let bytes = bytes(coordinate.as_deref()).filter(|bytes| bytes.len() == length)?;
            point.extend(bytes);
        }
        Some(point)
    }
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let named = format!("{algorithm:?}");
        self.alg.as_deref().is_none_or(|alg| alg == named)
            && matches!(
                (&self.material, algorithm),
                (
                    Material::Rsa { .. },
                    RS256 | RS384 | RS512 | PS256 | PS384 | PS512
                ) | (Material::P256(_), ES256)
                    | (Material::P384(_), ES384)
                    | (Material::Ed25519(_), EdDSA)
            )
    }

    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => rsa(algorithm).is_some_and(|parameters| {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(parameters, message, signature).is_ok()
            }),
            Material::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(message, signature)
                .is_ok(),
            Material::P384(point) => UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point)
                .verify(message, signature)
                .is_ok(),
            Material::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key)
                .verify(message, signature)
                .is_ok(),
        }
    }
}

/// Keys of fewer than 2048 bits verify nothing.
fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => None,
    }
}

pub(super) fn bytes(text: Option<&str>) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text?).ok()
}
