//! Ids that are checked when they are made, so that no later code meets a bad one.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Longest pack id, in bytes.
const MAX_PACK_ID: usize = 128;

/// Identity of an agent: `ap_` and 1 to 128 letters, digits or underscores, or a UUID (kept in lowercase).
///
/// ```
/// use aport_gate_oap::AgentId;
/// assert!(AgentId::parse("ap_support_bot").is_ok());
/// assert!(AgentId::parse("${APORT_AGENT_ID}").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(String);

/// The text is no agent id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no agent id: expected `ap_` and 1 to 128 letters, digits or `_`, or a UUID such as \
     `550e8400-e29b-41d4-a716-446655440000`"
)]
pub struct InvalidAgentId {
    /// What was given, cut to 160 characters.
    pub text: String,
}

/// Id of a policy pack with its version, for example `finance.payment.refund.v1`.
///
/// ```
/// use aport_gate_oap::PackId;
/// let id = PackId::parse("finance.payment.refund.v1")?;
/// assert_eq!(id.family(), "finance.payment.refund");
/// # Ok::<(), aport_gate_oap::InvalidPackId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackId(String);

/// The text is no pack id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no pack id: expected lowercase words joined by dots with a version at the end, such as \
     `finance.payment.refund.v1`, in at most 128 bytes"
)]
pub struct InvalidPackId {
    /// What was given, cut to 160 characters.
    pub text: String,
}

impl AgentId {
    /// Checks and keeps an agent id.
    ///
    /// # Errors
    /// [`InvalidAgentId`] when the text has neither form.
    pub fn parse(text: &str) -> Result<Self, InvalidAgentId> {
        if is_prefixed_id(text) {
            Ok(Self(text.to_owned()))
        } else if is_uuid(text) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidAgentId { text: cut(text) })
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PackId {
    /// Checks and keeps a pack id.
    ///
    /// # Errors
    /// [`InvalidPackId`] when the text is not dotted lowercase words with a version at the end.
    pub fn parse(text: &str) -> Result<Self, InvalidPackId> {
        let word = |w: &str| {
            !w.is_empty()
                && w.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let versioned = text.rsplit_once(".v").is_some_and(|(family, version)| {
            family.split('.').all(word)
                && !version.is_empty()
                && version.bytes().all(|b| b.is_ascii_digit())
        });
        if versioned && text.len() <= MAX_PACK_ID {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPackId { text: cut(text) })
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id without its version: `finance.payment.refund`.
    #[must_use]
    pub fn family(&self) -> &str {
        self.0
            .rsplit_once('.')
            .map_or(&self.0, |(family, _)| family)
    }
}

fn is_prefixed_id(text: &str) -> bool {
    text.strip_prefix("ap_").is_some_and(|rest| {
        (1..=128).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn cut(text: &str) -> String {
    text.chars().take(160).collect()
}

macro_rules! text_traits {
    ($id:ident, $error:ident) => {
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $id {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl AsRef<str> for $id {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_traits!(AgentId, InvalidAgentId);
text_traits!(PackId, InvalidPackId);
