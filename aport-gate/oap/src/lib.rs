//! Open Agent Passport core: passports, policy packs and their evaluation. Pure: no I/O, no async, no clock.
//! Time, usage and context are arguments; the same inputs give the same answer.
//!
//! Without the feature `evaluate` there are ids, documents and pack contracts only.

#[cfg(feature = "evaluate")]
mod approval;
mod assurance;
#[cfg(feature = "evaluate")]
mod check;
mod condition;
mod counter;
mod decision;
mod digest;
#[cfg(feature = "evaluate")]
mod evaluate;
#[cfg(feature = "evaluate")]
mod explanation;
#[cfg(test)]
#[path = "../tests/generate/mod.rs"]
mod generate;
mod id;
mod json;
#[cfg(feature = "evaluate")]
mod mcp;
mod pack;
mod passport;
#[cfg(feature = "evaluate")]
mod reason;
#[cfg(feature = "evaluate")]
mod schema;
#[cfg(feature = "evaluate")]
mod stages;
mod usage;
mod validator;

pub use assurance::{AssuranceLevel, UnknownAssuranceLevel};
#[cfg(feature = "evaluate")]
pub use check::{Finding, Severity};
pub use condition::{Condition, ConditionError, parse_condition};
pub use decision::{Decision, DecisionId, OperatorOptions, Outcome, Reason, ReasonDetails};
pub use digest::{CanonicalError, Digest, InvalidDigest, canonical_json, digest_json};
#[cfg(feature = "evaluate")]
pub use evaluate::{Evaluation, Request};
#[cfg(feature = "evaluate")]
pub use explanation::{Explanation, Operand, Stage, Step, StepResult};
pub use id::{AgentId, InvalidAgentId, InvalidPackId, PackId};
pub use json::{JsonError, parse_json};
pub use pack::{Absent, Pack, PackError, Rule, RuleProblem, embedded_packs};
pub use passport::{Passport, PassportError, PassportStatus, SPEC_VERSION};
pub use usage::{Charge, CounterKey, Usage, UsagePlan, Window};
