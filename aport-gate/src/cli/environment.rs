//! Which home and which ledger the environment names.

use std::path::PathBuf;

use super::failure::Failure;
use crate::config::{Config, default_home};

/// What a command needs of the environment, understood as a server understands it.
pub(super) struct Environment {
    pub(super) home: PathBuf,
}

impl Environment {
    pub(super) fn read() -> Result<Self, Failure> {
        let config = Config::from_env()?;
        let home = match config.home {
            Some(home) => home,
            None => default_home()?,
        };
        Ok(Self { home })
    }

    /// The folder of passports.
    pub(super) fn passports(&self) -> PathBuf {
        self.home.join("passports")
    }
}
