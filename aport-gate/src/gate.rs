//! The gate and how it is set up.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aport_gate_oap::{AgentId, PackId};
use tokio::time::Instant;

use crate::config::{Config, DEFAULT_TIMEOUT, Security, default_home};
use crate::error::{Error, Result};
#[cfg(feature = "registry")]
use crate::known_packs::KnownPacks;
use crate::ledger::{Ledger, LedgerError, Recorded, Retention};
use crate::ledger_place::LedgerPlace;
use crate::local::{LocalVerifier, Query};
use crate::packs::{Given, LOOK_EVERY, PACK_FOLDER, PackOptions, PackSet, PackStore};
use crate::passports::PassportFolder;
use crate::redaction::RedactionKeyFile;
use crate::refusal::Refusal;
#[cfg(feature = "registry")]
use crate::remote::{ApiKey, RegistrySettings, RegistryVerifier};
use crate::signing::{Jwks, KeyInForce, SigningKeys};
use crate::verifier::Verifier;

/// The policy enforcement point: it stands around tool bodies.
///
/// Cheap to clone; all clones share one verifier and one ledger.
#[derive(Clone)]
pub struct Gate {
    pub(crate) inner: Arc<GateInner>,
}

pub(crate) struct GateInner {
    pub(crate) verifier: Verifier,
    pub(crate) ledger: Ledger,
    pub(crate) agent: Option<AgentId>,
    pub(crate) security: Security,
    pub(crate) timeout: Duration,
    pub(crate) jwks: Option<Jwks>,
    pub(crate) redaction_key: RedactionKeyFile,
    /// Where the tokens of agents are.
    #[cfg(feature = "http")]
    pub(crate) home: PathBuf,
    #[cfg(feature = "http")]
    pub(crate) metrics: crate::call_metrics::CallMetrics,
    /// What a test put between gate and verifier.
    #[cfg(feature = "testing")]
    pub(crate) rig: Option<Arc<crate::testing::Rig>>,
}

impl GateInner {
    /// Decides, and writes the decision down.
    pub(crate) async fn verify(
        &self,
        query: Query,
        deadline: Instant,
    ) -> Result<Recorded, Refusal> {
        #[cfg(feature = "testing")]
        if let Some(rig) = &self.rig {
            return rig.verify(self, query, deadline).await;
        }
        self.verifier.verify(&self.ledger, query, deadline).await
    }

    /// Whether the agent's passport is known and in force: for nobody else does the server look up
    /// facts.
    pub(crate) fn is_in_good_standing(&self, agent: &AgentId) -> Result<bool, Refusal> {
        #[cfg(feature = "testing")]
        if let Some(rig) = &self.rig
            && rig.is_scripted()
        {
            return Ok(true);
        }
        self.verifier.is_in_good_standing(agent)
    }
}

impl Gate {
    /// A gate as the `APORT_*` environment variables describe it.
    ///
    /// # Errors
    /// [`Error::Environment`] names a variable whose value is empty,
    /// unexpanded or unknown; [`Error::Home`] and [`Error::Ledger`] tell which
    /// folder or file cannot be used.
    pub async fn from_env() -> Result<Self> {
        #[cfg(feature = "testing")]
        tracing::warn!(
            "built with the feature `testing` of aport-gate: take it out of [dependencies] before you deploy"
        );
        let config = Config::from_env()?;
        if !config.unused.is_empty() {
            tracing::warn!(
                "APORT_MODE is `local`: no registry decides, and {} counts for nothing",
                config.unused.join(" and ")
            );
        }
        let is_ledger_named = config.ledger.is_some();
        let built = GateBuilder {
            home: config.home,
            ledger: config.ledger,
            agent: config.agent,
            security: config.security,
            timeout: config.timeout,
            packs: Vec::new(),
            pack_options: Vec::new(),
            sign_decisions: config.sign_decisions,
            retention: config.retention,
            #[cfg(feature = "registry")]
            registry: config.registry,
        }
        .build()
        .await;
        built.map_err(|error| match error {
            Error::Ledger(error @ LedgerError::Misconfigured { .. }) if is_ledger_named => {
                Error::Environment {
                    variable: "APORT_DATABASE_URL",
                    problem: format!("is not usable: {error}"),
                }
            }
            other => other,
        })
    }

    /// A gate set up in code; the environment is not read.
    pub fn builder() -> GateBuilder {
        GateBuilder {
            home: None,
            ledger: None,
            agent: None,
            security: Security::default(),
            timeout: DEFAULT_TIMEOUT,
            packs: Vec::new(),
            pack_options: Vec::new(),
            sign_decisions: false,
            retention: Retention::default(),
            #[cfg(feature = "registry")]
            registry: None,
        }
    }

    /// The packs in force: what a call that begins now decides by.
    ///
    /// A change in `APORT_HOME/packs` or `APORT_HOME/pack-options.json` counts for every call that
    /// begins more than a second after it, as a whole or not at all: while anything in them is
    /// wrong the last good set stays (without packs whose file was removed), and
    /// [`pack_problem`](Self::pack_problem) tells what it is.
    #[must_use]
    pub fn packs(&self) -> Arc<PackSet> {
        self.inner.verifier.packs().current()
    }

    /// Why the packs and options on disk are not in force, if they are not.
    #[must_use]
    pub fn pack_problem(&self) -> Option<Arc<str>> {
        self.inner.verifier.packs().problem()
    }

    /// The public keys of this gate's decisions, as `/.well-known/oap/jwks.json` would serve them:
    /// the one that signs first, then older ones. None when it does not sign.
    #[must_use]
    pub fn jwks(&self) -> Option<&Jwks> {
        self.inner.jwks.as_ref()
    }

    /// The ledger that this gate writes to.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("agent", &self.inner.agent)
            .field("security", &self.inner.security)
            .field("timeout", &self.inner.timeout)
            .finish_non_exhaustive()
    }
}

/// Sets up a [`Gate`] in code.
#[derive(Debug)]
#[must_use]
pub struct GateBuilder {
    home: Option<PathBuf>,
    ledger: Option<LedgerPlace>,
    agent: Option<AgentId>,
    security: Security,
    timeout: Duration,
    packs: Vec<Vec<u8>>,
    pack_options: Vec<(PackId, PackOptions)>,
    sign_decisions: bool,
    retention: Retention,
    #[cfg(feature = "registry")]
    registry: Option<RegistrySettings>,
}

impl GateBuilder {
    /// Folder of passports, packs and ledger; else the per-user data folder.
    pub fn home(mut self, path: impl Into<PathBuf>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// Ledger file; else `ledger.sqlite3` in the home folder.
    pub fn ledger(mut self, path: impl Into<PathBuf>) -> Self {
        self.ledger = Some(LedgerPlace::File(path.into()));
        self
    }

    /// The PostgreSQL database at `url` as the ledger, shared by the servers of many machines; see
    /// [`Ledger::connect`].
    #[cfg(feature = "postgres")]
    pub fn postgres(mut self, url: impl Into<String>) -> Self {
        self.ledger = Some(LedgerPlace::postgres(url));
        self
    }

    /// A ledger in memory, forgotten with the gate: for tests and benchmarks only, see
    /// [`Ledger::in_memory`].
    #[cfg(any(test, feature = "testing"))]
    pub fn ledger_in_memory(mut self) -> Self {
        self.ledger = Some(LedgerPlace::Memory);
        self
    }

    /// Binds every call through this gate to one agent.
    pub fn agent(mut self, agent: AgentId) -> Self {
        self.agent = Some(agent);
        self
    }

    /// How much proof of identity a call needs.
    pub fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// Longest time for a whole decision.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Decisions come from the registry at `url`, `https://…`; passports and packs are there. The audit
    /// trail stays here: no decision counts before its record is written.
    #[cfg(feature = "registry")]
    pub fn registry(mut self, url: impl Into<String>) -> Self {
        self.registry_settings().url = Some(url.into());
        self
    }

    /// Bearer for the registry. Asks for [`registry`](Self::registry) mode, of APort's own unless a URL is
    /// given, as the other settings of a registry do.
    #[cfg(feature = "registry")]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.registry_settings().api_key = Some(ApiKey::new(key.into()));
        self
    }

    /// Allows `http:` to a registry on another machine: anybody on the way can read the key and forge
    /// decisions.
    #[cfg(feature = "registry")]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.registry_settings().allow_http = allow;
        self
    }

    /// PEM file of authorities that are believed beside the system's, for a registry's certificate.
    #[cfg(feature = "registry")]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.registry_settings().ca_file = Some(path.into());
        self
    }

    /// JSON file of a key set (JWKS): the only keys whose signatures count in secure mode, instead of those
    /// that the registry publishes. Whoever gets to answer as the registry cannot publish a key of their own.
    #[cfg(feature = "registry")]
    pub fn jwks_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.registry_settings().jwks_file = Some(path.into());
        self
    }

    /// Keeps a registry's allow decisions for so long, at most 30 seconds and at most as long as they hold,
    /// under packs that this gate knows and in which nothing is counted. Meanwhile a suspended agent is
    /// still allowed what it was allowed.
    #[cfg(feature = "registry")]
    pub fn cache(mut self, longest: Duration) -> Self {
        self.registry_settings().cache = Some(longest);
        self
    }

    #[cfg(feature = "registry")]
    fn registry_settings(&mut self) -> &mut RegistrySettings {
        self.registry.get_or_insert_default()
    }

    /// Adds a policy pack, as JSON, to those embedded in this crate and those in
    /// `APORT_HOME/packs`.
    pub fn pack(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.packs.push(json.into());
        self
    }

    /// Changes how one pack is read, as `APORT_HOME/pack-options.json` can.
    ///
    /// What it waives is said in the log at the start, and in every decision.
    pub fn pack_options(mut self, pack: PackId, options: PackOptions) -> Self {
        self.pack_options.push((pack, options));
        self
    }

    /// How long the ledger keeps usage counters and idempotency keys.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Signs every decision with the current key in `APORT_HOME/keys`, and makes the first key
    /// when there is none. Off by default.
    pub fn sign_decisions(mut self, sign: bool) -> Self {
        self.sign_decisions = sign;
        self
    }

    /// Opens folders and ledger.
    ///
    /// # Errors
    /// [`Error::Home`], [`Error::Ledger`], [`Error::Pack`],
    /// [`Error::DuplicatePack`], [`Error::PackUnreadable`],
    /// [`Error::PackOptions`], [`Error::Keys`] or [`Error::Registry`], each naming what cannot be used.
    pub async fn build(self) -> Result<Gate> {
        let home = match self.home {
            Some(home) => home,
            None => default_home()?,
        };
        let passports = home.join("passports");
        create_private(&home)?;
        create_private(&passports)?;
        create_private(&home.join(PACK_FOLDER))?;
        let given = Given::new(self.packs, self.pack_options)?;
        let packs = PackStore::open(home.clone(), given, LOOK_EVERY)?;
        #[cfg(feature = "registry")]
        let registry = self.registry;
        #[cfg(not(feature = "registry"))]
        let registry: Option<()> = None;
        // What a registry decides is its own to sign.
        let keys = (self.sign_decisions && registry.is_none())
            .then(|| SigningKeys::open(&home.join("keys")))
            .transpose()?;
        let verifier = match registry {
            #[cfg(feature = "registry")]
            Some(settings) => {
                let packs = KnownPacks::new(packs);
                let verifier =
                    RegistryVerifier::new(&settings, packs, self.security, self.timeout)?;
                Verifier::Registry(verifier)
            }
            _ => {
                let fixed = |keys: &SigningKeys| KeyInForce::Fixed(Arc::new(keys.signer().clone()));
                let signer = keys.as_ref().map(fixed);
                let passports = PassportFolder::new(passports);
                Verifier::Local(LocalVerifier::new(packs, passports, signer))
            }
        };
        let place = self.ledger.unwrap_or_else(|| LedgerPlace::in_home(&home));
        let ledger = place.open(self.timeout, self.retention).await?;
        Ok(Gate {
            inner: Arc::new(GateInner {
                redaction_key: RedactionKeyFile::new(home.join("keys")),
                #[cfg(feature = "http")]
                home,
                #[cfg(feature = "http")]
                metrics: crate::call_metrics::CallMetrics::default(),
                verifier,
                ledger,
                agent: self.agent,
                security: self.security,
                timeout: self.timeout,
                jwks: keys.map(|keys| keys.jwks()),
                #[cfg(feature = "testing")]
                rig: None,
            }),
        })
    }
}

// Passports and the audit trail are for their owner only.
pub(crate) fn create_private(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|source| Error::Home {
        path: path.to_owned(),
        source,
    })
}
