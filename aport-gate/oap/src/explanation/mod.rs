//! What [`Pack::evaluate`](crate::Pack::evaluate) did, step by step: for people who write packs and passports.

mod build;
mod print;

use crate::{AgentId, Outcome, PackId, Reason};
use serde::Serialize;
use serde_json::Value;

/// One decision, taken apart. It prints as plain text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Pack that was evaluated.
    pub policy_id: PackId,
    /// Agent that asked.
    pub agent_id: AgentId,
    /// Whether the tool might run.
    pub allow: bool,
    /// Allow, deny, or deny until reviewed.
    pub outcome: Outcome,
    /// Every stage and every rule, in order of evaluation.
    pub steps: Vec<Step>,
    /// The reasons of the decision.
    pub reasons: Vec<Reason>,
}

/// A stage around the rules, or one rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What kind of step.
    pub stage: Stage,
    /// Name of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Condition as the pack writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Name of the validator, for a rule of type `custom_validator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validator: Option<String>,
    /// What was looked at.
    pub operands: Vec<Operand>,
    /// What came of it.
    pub result: StepResult,
    /// Reasons that this step gave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

/// Steps of an evaluation, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A passport of this agent is known.
    Passport,
    /// Its status and times.
    Standing,
    /// The context against `required_context`.
    RequiredContext,
    /// Capabilities.
    Capabilities,
    /// Assurance level of the owner.
    Assurance,
    /// Region.
    Region,
    /// MCP allowlist.
    Mcp,
    /// A rule of the pack.
    Rule,
    /// Limits that the pack asks for.
    RequiredLimits,
    /// What an allow would add to the counters.
    Counters,
    /// Idempotency key.
    Idempotency,
    /// Approval by a person.
    Approval,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// It lets the call pass.
    Holds,
    /// It denies.
    Fails,
    /// Something it needs is absent. Denies.
    Unknown,
    /// It has no answer: not evaluable, or values of the wrong type. Denies.
    Error,
    /// The operator switched it off.
    Waived,
    /// It does not apply to this call.
    Skipped,
}

/// A part of a condition, or a field, limit or counter that a stage read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operand {
    /// The part, in its normal form: `limits.max_per_tx`.
    pub expression: String,
    /// Its value; none when it is absent or could not be computed.
    pub value: Option<Value>,
    /// Why there is no value, or what else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
