//! Secrets that follow from one key of the registry: nothing about a decision needs to be kept for
//! its outcome to be believed.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::signing::KeyError;
use crate::signing::key_file::{create_private_file, read_private};

const FILE: &str = "outcome.key";

/// Knows who was given a decision, and gives one id to one request.
pub(super) struct OutcomeTokens {
    key: Zeroizing<[u8; 32]>,
}

impl OutcomeTokens {
    /// Opens the key in `folder`, and makes it when there is none. Registries that share the folder
    /// believe each other's tokens.
    pub(super) fn open(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(FILE);
        if !path.exists() {
            let mut fresh = Zeroizing::new([0; 32]);
            getrandom::fill(&mut *fresh).map_err(KeyError::Random)?;
            create_private_file(&path, &*fresh)?;
        }
        let bytes = read_private(&path)?;
        let damaged = |_| KeyError::Damaged {
            path: path.clone(),
            problem: "it must hold 32 bytes",
        };
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(damaged)?;
        Ok(Self {
            key: Zeroizing::new(key),
        })
    }

    /// What whoever got the decision shows when it reports the outcome.
    pub(super) fn of(&self, decision_id: &str) -> String {
        let mac = self.mac(b"outcome", &[decision_id]);
        BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Whether the token is the decision's. Takes the same time whether or not.
    pub(super) fn is_of(&self, decision_id: &str, token: &str) -> bool {
        let mac = self.mac(b"outcome", &[decision_id]);
        BASE64_URL_SAFE_NO_PAD
            .decode(token)
            .is_ok_and(|token| mac.verify_slice(&token).is_ok())
    }

    /// The id of the decision about one request: the same for the same request, and no caller meets
    /// another's.
    pub(super) fn decision_id(&self, caller: Option<&str>, request_id: &str) -> Uuid {
        let mac = self.mac(b"decision", &[caller.unwrap_or_default(), request_id]);
        let bytes = mac.finalize().into_bytes();
        let mut id = [0; 16];
        id.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        uuid::Builder::from_random_bytes(id).into_uuid()
    }

    fn mac(&self, purpose: &[u8], parts: &[&str]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.key).expect("32 bytes");
        for part in std::iter::once(purpose).chain(parts.iter().map(|part| part.as_bytes())) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_decisions_and_outlives_a_restart() {
        let home = tempfile::tempdir().unwrap();
        let tokens = OutcomeTokens::open(home.path()).unwrap();
        let token = tokens.of("a");
        assert!(tokens.is_of("a", &token) && !tokens.is_of("b", &token));
        assert!(!tokens.is_of("a", "") && !tokens.is_of("a", &token[1..]));
        let again = OutcomeTokens::open(home.path()).unwrap();
        assert!(again.is_of("a", &token));
        assert_eq!(tokens.decision_id(None, "r"), again.decision_id(None, "r"));
        assert_ne!(
            tokens.decision_id(None, "r"),
            tokens.decision_id(Some("k"), "r")
        );
        let elsewhere = tempfile::tempdir().unwrap();
        assert!(
            !OutcomeTokens::open(elsewhere.path())
                .unwrap()
                .is_of("a", &token)
        );
    }
}
