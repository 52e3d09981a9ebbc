//! Which home and which ledger the environment names.

use std::path::PathBuf;

use aport_gate_oap::AgentId;

use super::failure::Failure;
use crate::config::{Config, default_home};
use crate::{Ledger, Retention};

/// What a command needs of the environment, understood as a server understands it.
pub(super) struct Environment {
    pub(super) home: PathBuf,
    /// The agent that this process is bound to.
    pub(super) agent: Option<AgentId>,
    /// How long keys are kept.
    pub(super) retention: Retention,
    ledger: Option<PathBuf>,
}

impl Environment {
    pub(super) fn read() -> Result<Self, Failure> {
        let config = Config::from_env()?;
        let home = match config.home {
            Some(home) => home,
            None => default_home()?,
        };
        Ok(Self {
            home,
            agent: config.agent,
            retention: config.retention,
            ledger: config.ledger,
        })
    }

    /// Where the ledger is.
    fn ledger_path(&self) -> PathBuf {
        let own = || self.home.join("ledger.sqlite3");
        self.ledger.clone().unwrap_or_else(own)
    }

    /// How messages name the ledger.
    pub(super) fn ledger_name(&self) -> String {
        self.ledger_path().display().to_string()
    }

    /// The ledger, if there is one: a question creates none.
    pub(super) async fn existing_ledger(&self) -> Result<Option<Ledger>, Failure> {
        let path = self.ledger_path();
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(Ledger::open_with(&path, self.retention)?))
    }

    /// The ledger, which must be there.
    pub(super) async fn ledger(&self) -> Result<Ledger, Failure> {
        self.existing_ledger().await?.ok_or_else(|| {
            let path = self.ledger_path();
            Failure::new(format!("there is no ledger at `{}`", path.display()))
                .hint("a server makes it when it starts; check APORT_HOME and APORT_DATABASE_URL")
        })
    }

    /// The folder of passports.
    pub(super) fn passports(&self) -> PathBuf {
        self.home.join("passports")
    }
}
