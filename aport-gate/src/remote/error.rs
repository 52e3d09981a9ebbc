//! Why a registry gave no decision that counts.

use crate::refusal::{Refusal, RefusalCode};

/// Why a registry gave no decision, or none that counts. The body of a tool never runs after one.
///
/// What it quotes of an answer is cut, and never holds the API key.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// What was set up cannot be used.
    #[error("{0}")]
    Setup(String),
    /// No connection, or it broke off before the answer was complete.
    #[error("the registry cannot be reached: {0}")]
    Unreachable(String),
    /// The registry could not prove with a certificate that it is who was asked.
    #[error(
        "no secure connection to the registry: {0}; if it has a certificate authority of its own, name its file in APORT_CA_FILE"
    )]
    Tls(String),
    /// No complete answer within the deadline.
    #[error("the registry gave no complete answer within {0} ms")]
    Timeout(u128),
    /// Too many failures in a row: it is not asked for a while.
    #[error(
        "the registry is not asked until {until}: it has failed since {since}, at last with `{last}`"
    )]
    Paused {
        /// Time of the first failure in a row, RFC 3339.
        since: String,
        /// When it is asked again, RFC 3339.
        until: String,
        /// Code of the last failure.
        last: &'static str,
    },
    /// It answered that it cannot answer now (408, 429, 5xx).
    #[error("the registry answered with status {status}{told}")]
    Unavailable {
        /// HTTP status.
        status: u16,
        /// What it said, after a colon, if anything.
        told: String,
    },
    /// It wants another, or any, API key (401, 403).
    #[error(
        "the registry refused this server's access with status {status}{told}; check APORT_API_KEY"
    )]
    Unauthorized {
        /// HTTP status.
        status: u16,
        /// What it said, after a colon, if anything.
        told: String,
    },
    /// Any other status than 200 without a denial in its body.
    #[error("the registry refused the request with status {status}{told}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What it said, after a colon, if anything.
        told: String,
    },
    /// It points elsewhere (3xx), and nobody follows.
    #[error(
        "the registry answered with status {0}, a redirect; these are never followed, set APORT_BASE_URL to where it is"
    )]
    Redirected(u16),
    /// The body is no JSON object, or one that readers could understand differently.
    #[error("the registry's answer is not usable: {0}")]
    Answer(String),
    /// The object is no decision, or one that contradicts itself.
    #[error("the registry's answer is no decision: {0}")]
    Decision(String),
    /// It is about another agent.
    #[error("the registry's decision is for agent `{found}`, not for `{asked}`")]
    WrongAgent {
        /// Whom it is about.
        found: String,
        /// Who was asked about.
        asked: String,
    },
    /// It is under another pack.
    #[error("the registry's decision is under policy `{found}`, not `{asked}`")]
    WrongPolicy {
        /// The pack it names.
        found: String,
        /// The pack that was asked for.
        asked: String,
    },
    /// It answers another request.
    #[error("the registry's decision is for another request: {0}")]
    WrongRequest(String),
    /// Its time is over.
    #[error("the registry's decision expired at {0}; is the clock of either machine wrong?")]
    Expired(String),
    /// It was made in the future.
    #[error(
        "the registry's decision was made at {0}, which is in the future; is the clock of either machine wrong?"
    )]
    NotYetValid(String),
    /// Secure mode: it carries no usable signature.
    #[error("the registry's decision is not signed: {0}")]
    Unsigned(String),
    /// Secure mode: the signature is not that of its key over this decision.
    #[error("the registry's signature does not count: {0}")]
    Signature(String),
    /// Secure mode: the registry publishes no key of this id, or the operator's file has none.
    #[error("key `{0}`, with which the decision is signed, is not known as the registry's")]
    UnknownKey(String),
    /// Secure mode: the registry's keys cannot be had.
    #[error("the registry's signing keys cannot be had: {0}")]
    Keys(String),
    /// Secure mode: what has to be signed is missing from the decision.
    #[error("the registry's decision has no `{0}`, which secure mode needs")]
    Unbound(&'static str),
    /// Secure mode: it was made on another passport than the registry has now.
    #[error(
        "the registry's decision was made on passport {found}, but the passport in force is {current}"
    )]
    WrongPassport {
        /// Digest in the decision.
        found: String,
        /// Digest of the passport that the registry shows.
        current: String,
    },
    /// Secure mode: the registry's view of the passport cannot be had.
    #[error("the registry's view of the passport cannot be had: {0}")]
    Passport(String),
    /// Secure mode: the decision was used already.
    #[error("the registry's decision `{0}` was used already; it allows one call")]
    Reused(String),
    /// The call's idempotency key was used already, through this ledger.
    #[error(
        "the idempotency key of this call was used already; a key pays once, use a new one for a new payment"
    )]
    KeyUsed,
}

impl RegistryError {
    /// Code of the reason in a refusal, such as `gate.registry_unreachable`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup(_) => "gate.registry_setup",
            Self::Unreachable(_) => "gate.registry_unreachable",
            Self::Tls(_) => "gate.registry_tls",
            Self::Timeout(_) => "gate.registry_timeout",
            Self::Paused { .. } => "gate.registry_paused",
            Self::Unavailable { .. } => "gate.registry_unavailable",
            Self::Unauthorized { .. } => "gate.registry_unauthorized",
            Self::Refused { .. } => "gate.registry_refused",
            Self::Redirected(_) => "gate.registry_redirect",
            Self::Answer(_) => "gate.bad_answer",
            Self::Decision(_) => "gate.bad_decision",
            Self::WrongAgent { .. } => "gate.wrong_agent",
            Self::WrongPolicy { .. } => "gate.wrong_policy",
            Self::WrongRequest(_) => "gate.wrong_request",
            Self::Expired(_) => "gate.decision_expired",
            Self::NotYetValid(_) => "gate.decision_not_yet_valid",
            Self::Unsigned(_) => "gate.signature_missing",
            Self::Signature(_) => "gate.signature_invalid",
            Self::UnknownKey(_) => "gate.signing_key_unknown",
            Self::Keys(_) => "gate.signing_keys_unavailable",
            Self::Unbound(_) => "gate.decision_unbound",
            Self::WrongPassport { .. } => "gate.wrong_passport",
            Self::Passport(_) => "gate.passport_unverified",
            Self::Reused(_) => "gate.decision_reused",
            Self::KeyUsed => "gate.idempotency_key_used",
        }
    }
}

impl RegistryError {
    /// Whether its message may hold words of the registry's answer.
    pub(super) fn quotes_the_registry(&self) -> bool {
        !matches!(
            self,
            Self::Unreachable(_)
                | Self::Tls(_)
                | Self::Timeout(_)
                | Self::Paused { .. }
                | Self::Redirected(_)
                | Self::Unbound(_)
                | Self::KeyUsed
        )
    }
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        Self::new(RefusalCode::Registry(error.code()), error.to_string())
    }
}

/// What is shown of something a registry sent: one line, cut.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 120;
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().take(LONGEST).map(clean).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}
