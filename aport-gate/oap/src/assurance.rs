//! How well an owner is known: OAP assurance levels.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Assurance level of a passport's owner, in ascending order.
///
/// ```
/// use aport_gate_oap::AssuranceLevel;
/// assert!(AssuranceLevel::parse("L3")? < AssuranceLevel::L4Kyc);
/// # Ok::<(), aport_gate_oap::UnknownAssuranceLevel>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssuranceLevel {
    /// Nothing was checked.
    L0,
    /// Email or similar.
    L1,
    /// Verified contact.
    L2,
    /// Verified organisation.
    L3,
    /// Know-your-customer checks. Written `L4KYC`, or `L4` in rules.
    L4Kyc,
    /// Financial-grade checks. Written `L4FIN`.
    L4Fin,
}

/// The text names no assurance level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown assurance level `{text}`: expected one of `L0`, `L1`, `L2`, `L3`, `L4KYC`, `L4FIN`"
)]
pub struct UnknownAssuranceLevel {
    /// What was given.
    pub text: String,
}

impl AssuranceLevel {
    /// Reads a level; `L4` alone means `L4KYC`.
    ///
    /// # Errors
    /// [`UnknownAssuranceLevel`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UnknownAssuranceLevel> {
        Ok(match text {
            "L0" => Self::L0,
            "L1" => Self::L1,
            "L2" => Self::L2,
            "L3" => Self::L3,
            "L4" | "L4KYC" => Self::L4Kyc,
            "L4FIN" => Self::L4Fin,
            _ => {
                return Err(UnknownAssuranceLevel {
                    text: text.chars().take(40).collect(),
                });
            }
        })
    }

    /// The level as documents write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::L0 => "L0",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
            Self::L4Kyc => "L4KYC",
            Self::L4Fin => "L4FIN",
        }
    }
}

impl fmt::Display for AssuranceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AssuranceLevel {
    type Err = UnknownAssuranceLevel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for AssuranceLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AssuranceLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
