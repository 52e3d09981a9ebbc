//! Which home and which ledger the environment names.

use std::path::PathBuf;
use std::time::Duration;

use aport_gate_oap::AgentId;

use super::failure::Failure;
use crate::config::{Config, default_home};
use crate::ledger_place::LedgerPlace;
use crate::{Ledger, Retention};

/// What a command needs of the environment, understood as a server understands it.
pub(super) struct Environment {
    pub(super) home: PathBuf,
    /// The agent that this process is bound to.
    pub(super) agent: Option<AgentId>,
    /// How long keys are kept.
    pub(super) retention: Retention,
    ledger: LedgerPlace,
    timeout: Duration,
}

impl Environment {
    pub(super) fn read() -> Result<Self, Failure> {
        let config = Config::from_env()?;
        let home = match config.home {
            Some(home) => home,
            None => default_home()?,
        };
        Ok(Self {
            ledger: config.ledger.unwrap_or_else(|| LedgerPlace::in_home(&home)),
            home,
            agent: config.agent,
            retention: config.retention,
            timeout: config.timeout,
        })
    }

    /// How messages name the ledger.
    pub(super) fn ledger_name(&self) -> String {
        self.ledger.to_string()
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

    /// The folder of passports.
    pub(super) fn passports(&self) -> PathBuf {
        self.home.join("passports")
    }
}
