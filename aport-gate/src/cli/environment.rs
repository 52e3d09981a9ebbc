//! Which home and which ledger the environment names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aport_gate_oap::AgentId;

use super::failure::Failure;
#[cfg(feature = "registry")]
use crate::Security;
use crate::config::{Config, default_home};
use crate::ledger_place::LedgerPlace;
#[cfg(feature = "registry")]
use crate::remote::RegistrySettings;
use crate::{Ledger, Retention};

/// What a command needs of the environment, understood as a server understands it.
pub(super) struct Environment {
    pub(super) home: PathBuf,
    /// The agent that this process is bound to.
    pub(super) agent: Option<AgentId>,
    /// How long keys are kept.
    pub(super) retention: Retention,
    /// Whether servers sign what they decide.
    pub(super) signs: bool,
    /// The registry that decides, in registry mode.
    #[cfg(feature = "registry")]
    pub(super) registry: Option<RegistrySettings>,
    /// How much a registry's decisions have to prove.
    #[cfg(feature = "registry")]
    pub(super) security: Security,
    ledger: LedgerPlace,
    timeout: Duration,
}

impl Environment {
    pub(super) fn read() -> Result<Self, Failure> {
        Self::of(std::env::var_os)
    }

    /// What a server with these variables would understand.
    pub(super) fn of(get: impl Fn(&'static str) -> Option<OsString>) -> Result<Self, Failure> {
        let config = Config::read(get)?;
        let home = match config.home {
            Some(home) => home,
            None => default_home()?,
        };
        Ok(Self {
            ledger: config.ledger.unwrap_or_else(|| LedgerPlace::in_home(&home)),
            home,
            agent: config.agent,
            retention: config.retention,
            signs: config.sign_decisions,
            #[cfg(feature = "registry")]
            registry: config.registry,
            #[cfg(feature = "registry")]
            security: config.security,
            timeout: config.timeout,
        })
    }

    /// How messages name the ledger.
    pub(super) fn ledger_name(&self) -> String {
        self.ledger.to_string()
    }

    /// The file of the ledger, where it is one.
    pub(super) fn ledger_file(&self) -> Option<&Path> {
        match &self.ledger {
            LedgerPlace::File(path) => Some(path),
            #[allow(
                unreachable_patterns,
                reason = "there may be no other place in this build"
            )]
            _ => None,
        }
    }

    /// The ledger, if there is one: a question creates no file.
    pub(super) async fn existing_ledger(&self) -> Result<Option<Ledger>, Failure> {
        if let LedgerPlace::File(path) = &self.ledger
            && !path.exists()
        {
            return Ok(None);
        }
        let ledger = self.ledger.open(self.timeout, self.retention);
        Ok(Some(ledger.await?))
    }

    /// The ledger, made where there is none.
    pub(super) async fn open_ledger(&self) -> Result<Ledger, Failure> {
        crate::gate::create_private(&self.home)?;
        Ok(self.ledger.open(self.timeout, self.retention).await?)
    }

    /// Longest time for one decision.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The ledger, which must be there.
    pub(super) async fn ledger(&self) -> Result<Ledger, Failure> {
        self.existing_ledger().await?.ok_or_else(|| {
            Failure::new(format!("there is no ledger at `{}`", self.ledger))
                .hint("a server makes it when it starts; check APORT_HOME and APORT_DATABASE_URL")
        })
    }

    /// Brings the ledger's schema up to date, with the rights that the environment gives.
    pub(super) async fn migrate_ledger(&self) -> Result<(), Failure> {
        match &self.ledger {
            #[cfg(feature = "postgres")]
            LedgerPlace::Postgres(url) => Ok(Ledger::migrate(url.as_str(), self.timeout).await?),
            // Whoever opens a file migrates it.
            _ => self.ledger().await.map(drop),
        }
    }

    /// Whether a registry has passports, packs and caps.
    pub(super) fn asks_a_registry(&self) -> bool {
        #[cfg(feature = "registry")]
        return self.registry.is_some();
        #[cfg(not(feature = "registry"))]
        false
    }

    /// The folder of passports.
    pub(super) fn passports(&self) -> PathBuf {
        self.home.join("passports")
    }
}
