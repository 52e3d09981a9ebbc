//! The head of the audit chain, to be kept where the ledger's owner cannot rewrite it.

use std::fmt;
use std::str::FromStr;

use aport_gate_oap::Digest;

/// Where an audit chain ended at some moment; written `12:sha256:…`.
///
/// Kept elsewhere, it proves later that the records up to it are all there and unchanged: see
/// [`Ledger::verify_against`](crate::Ledger::verify_against).
///
/// ```
/// use aport_gate::AuditHead;
/// let text = format!("12:sha256:{}", "ab".repeat(32));
/// let head: AuditHead = text.parse()?;
/// assert_eq!((head.sequence, head.to_string()), (12, text));
/// # Ok::<(), aport_gate::InvalidAuditHead>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// Sequence of the last record; 0 for an empty chain.
    pub sequence: u64,
    /// Its hash; 64 zeros for an empty chain.
    pub hash: Digest,
}

/// The text is no head of an audit chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no head of an audit chain: expected the number of its last record, `:`, and its hash, such as `12:sha256:…`"
)]
pub struct InvalidAuditHead {
    /// What was given, cut to 100 characters.
    pub text: String,
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for AuditHead {
    type Err = InvalidAuditHead;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let head = text.split_once(':').and_then(|(sequence, hash)| {
            Some(Self {
                sequence: sequence.parse().ok()?,
                hash: Digest::parse(hash).ok()?,
            })
        });
        head.ok_or_else(|| InvalidAuditHead {
            text: text.chars().take(100).collect(),
        })
    }
}
