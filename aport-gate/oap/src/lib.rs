//! Open Agent Passport core: passports, policy packs and their evaluation. Pure: no I/O, no async, no clock.
//! Time, usage and context are arguments; the same inputs give the same answer.
//!
//! # Bounds
//! No pack, passport or context makes one evaluation slow or deep. What is over a bound is refused, or ends the
//! rule in `oap.policy_error`, which denies.
//!
//! | what | at most |
//! | --- | --- |
//! | nesting of a JSON document | 64 levels; 128 of what is digested |
//! | a pack | 1 MiB |
//! | its schema, references counted as what they stand for | 10 000 subschemas and required fields, 200 in a row |
//! | capabilities that a pack names | 100 |
//! | rules of a pack | 1000 |
//! | counters that a pack declares, and that its rules name besides | 100 each |
//! | a condition | 1000 characters, 32 levels |
//! | evaluating one condition | 100 000 steps: nodes, items compared, 64-byte pieces of text |
//! | evaluating all conditions of a pack | 2 000 000 steps |
//! | MCP servers or tools that one call names | 1000 |
//! | a glob in `matches_any`, a pattern of a validator | 512 bytes |
//! | a regular expression in a limit | 256 KiB compiled; linear time |
//! | text that one validator searches | 64 MiB, patterns times text |
//! | a command line | 200 programs, 8 levels of substitutions or wrappers |
//! | patterns of `required_context` | 200; linear time; no look-around, no back-references |
//! | spellings of one capability's limits | 16, each evaluated |
//! | reasons about a context against its schema | 20 |
//! | a value in the details of a reason | 1000 characters, 100 items |
//! | findings of a check | 200 |
//!
//! The size of a context is for the caller to bound: what is linear in it (its schema, its digest) is not cut.
//!
//! What rules of type `custom_validator` can name: [`validators`].
//!
//! Without the feature `evaluate` there are ids, documents and pack contracts only.

#[cfg(feature = "evaluate")]
mod approval;
mod assurance;
mod canonical;
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
mod repeated;
#[cfg(feature = "evaluate")]
mod required_limits;
#[cfg(feature = "evaluate")]
mod schema;
#[cfg(feature = "evaluate")]
mod spelled;
#[cfg(feature = "evaluate")]
mod stages;
mod usage;
mod validator;

#[doc = include_str!("../docs/validators.md")]
pub mod validators {}

pub use assurance::{AssuranceLevel, UnknownAssuranceLevel};
pub use canonical::{CanonicalError, canonical_json, digest_json};
#[cfg(feature = "evaluate")]
pub use check::{Finding, Severity};
pub use condition::{Condition, ConditionError, parse_condition};
pub use decision::{Decision, DecisionId, OperatorOptions, Outcome, Reason, ReasonDetails};
pub use digest::{Digest, InvalidDigest};
#[cfg(feature = "evaluate")]
pub use evaluate::{Evaluation, Request};
#[cfg(feature = "evaluate")]
pub use explanation::{Explanation, Operand, Stage, Step, StepResult};
pub use id::{AgentId, InvalidAgentId, InvalidPackId, PackId};
pub use json::{JsonError, parse_json};
#[cfg(feature = "evaluate")]
pub use pack::Reads;
pub use pack::{Absent, Pack, PackError, Rule, RuleProblem, embedded_packs};
pub use passport::{Passport, PassportError, PassportStatus, SPEC_VERSION};
pub use usage::{Charge, CounterKey, Usage, UsagePlan, Window};
