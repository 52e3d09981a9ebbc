//! The server's own state: what its tools work with.

use std::ffi::OsString;
use std::path::Path;

use crate::setting::Environment;
use crate::{
    GitHost, GitHubHost, PaymentDesk, SettingError, SimulatedGitHost, SimulatedPaymentDesk,
    StripeDesk,
};

/// What the tools work with.
pub struct Desks {
    /// Where refunds are made.
    pub payments: Box<dyn PaymentDesk>,
    /// Where pull requests are merged.
    pub git: Box<dyn GitHost>,
}

impl Desks {
    /// The real desks that the environment names, and simulated ones for the others, with their books in `home`.
    ///
    /// # Errors
    /// A variable is set and of no use: it is empty, was not filled in, or goes without another.
    pub fn from_env(home: &Path) -> Result<Self, SettingError> {
        Self::read(home, &|variable| std::env::var_os(variable))
    }

    fn read(
        home: &Path,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingError> {
        let environment = Environment(variable);
        let mut desks = Self::simulated(home);
        if let Some(stripe) = StripeDesk::from_environment(&environment)? {
            desks.payments = Box::new(stripe);
        }
        if let Some(github) = GitHubHost::from_environment(&environment)? {
            desks.git = Box::new(github);
        }
        Ok(desks)
    }

    /// Says in the log which desks are real.
    pub fn log(&self) {
        tracing::info!("payment desk: {}", self.payments.describe());
        tracing::info!("git host: {}", self.git.describe());
    }

    /// Desks that book into files in `home` and change nothing outside it.
    pub fn simulated(home: &Path) -> Self {
        Self {
            payments: Box::new(SimulatedPaymentDesk::new(home)),
            git: Box::new(SimulatedGitHost::new(home)),
        }
    }
}
