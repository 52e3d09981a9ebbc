//! The server's own state: what its tools work with.

use std::path::Path;

use crate::{GitHost, PaymentDesk, SimulatedGitHost, SimulatedPaymentDesk};

/// What the tools work with.
pub struct Desks {
    /// Where refunds are made.
    pub payments: Box<dyn PaymentDesk>,
    /// Where pull requests are merged.
    pub git: Box<dyn GitHost>,
}

impl Desks {
    /// Desks that book into files in `home` and change nothing outside it.
    pub fn simulated(home: &Path) -> Self {
        Self {
            payments: Box::new(SimulatedPaymentDesk::new(home)),
            git: Box::new(SimulatedGitHost::new(home)),
        }
    }
}
