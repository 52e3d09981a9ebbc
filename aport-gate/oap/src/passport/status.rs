//! The life cycle of a passport.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Life cycle of a passport. Only an active one can be allowed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassportStatus {
    /// Not issued yet.
    Draft,
    /// In force.
    Active,
    /// Stopped for now.
    Suspended,
    /// Stopped for good.
    Revoked,
}

impl PassportStatus {
    /// Whether a passport in this state may be put into that one. Nothing follows a revocation, and nothing
    /// becomes a draft again.
    ///
    /// ```
    /// use aport_gate_oap::PassportStatus::{Active, Draft, Revoked, Suspended};
    /// assert!(Active.can_become(Suspended) && Suspended.can_become(Active) && Draft.can_become(Active));
    /// assert!(!Revoked.can_become(Active) && !Active.can_become(Draft) && !Draft.can_become(Suspended));
    /// ```
    #[must_use]
    pub fn can_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Draft, Self::Active | Self::Revoked)
                | (Self::Active, Self::Suspended | Self::Revoked)
                | (Self::Suspended, Self::Active | Self::Revoked)
        )
    }

    /// The state as documents write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Draft, Self::Active, Self::Suspended, Self::Revoked]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

impl fmt::Display for PassportStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
