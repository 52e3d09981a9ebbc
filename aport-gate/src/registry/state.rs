//! What all requests share.

use std::path::PathBuf;
use std::sync::Arc;

use super::body::MAX_BYTES_AT_ONCE;
use super::expiry::Awaited;
use super::health::Readiness;
use super::key_ring::KeyRing;
use super::limits::Limits;
use super::metrics::Metrics;
use super::outcome_token::OutcomeTokens;
use super::replay::Turns;
use super::settings::Settings;
use crate::body_room::BodyRoom;
use crate::error::Result;
use crate::ledger::Ledger;
use crate::local::LocalVerifier;
use crate::packs::{Given, LOOK_EVERY, PACK_FOLDER, PackStore};
use crate::passports::PassportFolder;
use crate::signing::{KeyFolder, KeyInForce, SigningKeys};

/// A registry that is ready to serve.
pub(crate) struct Registry {
    pub(super) settings: Settings,
    pub(super) verifier: LocalVerifier,
    pub(super) ledger: Ledger,
    pub(super) signer: KeyInForce,
    pub(super) keys: Arc<KeyFolder>,
    pub(super) key_ring: KeyRing,
    pub(super) outcome_tokens: OutcomeTokens,
    pub(super) turns: Turns,
    pub(super) awaited: Awaited,
    pub(super) readiness: Readiness,
    pub(super) limits: Limits,
    pub(super) metrics: Metrics,
    pub(super) room: BodyRoom,
    pub(super) passports: PathBuf,
}

pub(super) type Shared = Arc<Registry>;

impl Registry {
    /// Opens folders and keys in `home`; makes what is missing.
    ///
    /// # Errors
    /// A folder, pack or key cannot be used.
    pub(crate) fn open(home: PathBuf, ledger: Ledger, settings: Settings) -> Result<Self> {
        let (passports, keys) = (home.join("passports"), home.join("keys"));
        for folder in [&home, &passports, &home.join(PACK_FOLDER)] {
            crate::gate::create_private(folder)?;
        }
        let given = Given::new(Vec::new(), Vec::new())?;
        let packs = PackStore::open(home, given, LOOK_EVERY)?;
        let signing = SigningKeys::open(&keys)?;
        let published = KeyFolder::new(keys.clone(), &signing, settings.new_key_after);
        let published = Arc::new(published);
        let signer = KeyInForce::Read(Arc::clone(&published));
        let folder = PassportFolder::new(passports.clone());
        Ok(Self {
            verifier: LocalVerifier::new(packs, folder, Some(signer.clone())),
            ledger,
            signer,
            keys: published,
            outcome_tokens: OutcomeTokens::open(&keys)?,
            key_ring: KeyRing::new(keys),
            turns: Turns::default(),
            awaited: Awaited::default(),
            readiness: Readiness::default(),
            limits: Limits::new(settings.rate),
            metrics: Metrics::new(),
            room: BodyRoom::new(MAX_BYTES_AT_ONCE),
            passports,
            settings,
        })
    }
}
