//! The answer of a verifier.

use crate::{Absent, AgentId, AssuranceLevel, Digest, PackId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Id of a decision: a UUID made by whoever issues it. This crate has no source of randomness.
pub type DecisionId = String;

/// What a decision comes to. Only [`Outcome::Allow`] and [`Outcome::AllowWithWarning`] let a tool run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every stage and rule passed.
    Allow,
    /// As allow, with something to be told in the reasons. A registry may answer it; evaluation here does not.
    AllowWithWarning,
    /// Everything passed but a person has to approve first. Not an allow.
    RequireReview,
    /// At least one stage or rule failed.
    Deny,
}

/// Why a decision is what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Code for programs, such as `oap.limit_exceeded`.
    pub code: String,
    /// One sentence for people and models.
    pub message: String,
    /// What exceeded what, so that a caller can adjust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<ReasonDetails>,
}

/// The comparison that failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReasonDetails {
    /// Rule, or stage such as `required_context`.
    pub rule: String,
    /// Context field at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<Value>,
    /// What would have passed: the highest number still accepted, or the list of accepted values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Value>,
    /// What a usage counter already holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Value>,
    /// The cap that `used` counts against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Value>,
}

/// A decision as documents carry it. It has both spellings of the published material (`created_at` with
/// `expires_in`, `issued_at` with `expires_at`), since readers exist for either.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// UUID of this decision.
    pub decision_id: DecisionId,
    /// Pack that decided.
    pub policy_id: PackId,
    /// Agent that asked.
    pub agent_id: AgentId,
    /// Passport that was looked at, if one was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passport_id: Option<AgentId>,
    /// Owner of that passport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// Assurance level of that passport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance_level: Option<AssuranceLevel>,
    /// Whether the tool may run.
    pub allow: bool,
    /// Allow, deny, or deny until reviewed.
    pub outcome: Outcome,
    /// All reasons, in order of evaluation.
    pub reasons: Vec<Reason>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The same instant, under its other name.
    pub issued_at: Timestamp,
    /// Seconds from `created_at` until it expires.
    pub expires_in: u64,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Digest of the passport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passport_digest: Option<Digest>,
    /// Digest of the pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_hash: Option<Digest>,
    /// Digest of the context that was judged.
    pub context_digest: Digest,
    /// Tool that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// How the operator made the verifier read the pack, where that differs from the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_options: Option<OperatorOptions>,
    /// Id of the key that signed, such as `oap:owner:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// `ed25519:` and the base64 signature over the RFC 8785 form of this document without this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// What an operator changed in the reading of a pack that they do not edit. The pack's digest does not show
/// it, so a decision carries it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorOptions {
    /// What absent fields mean, where the operator says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Absent>,
    /// Rules that were not evaluated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waived_rules: Vec<String>,
}
