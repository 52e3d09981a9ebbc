//! Rules of a pack.

use super::PackError;
use super::read::{optional_text, text, wrong_type};
#[cfg(feature = "evaluate")]
use crate::condition::program::Program;
use crate::condition::{Condition, parse_condition};
use crate::validator::Validator;
use serde_json::Value;

/// A rule: a condition that has to hold, and what to say when it does not.
#[derive(Clone, Debug)]
pub struct Rule {
    name: String,
    deny_code: String,
    description: Option<String>,
    message: Option<String>,
    source: String,
    pub(crate) body: Body,
    /// The condition in the form that decisions run; the pack makes it when all its counters are known.
    #[cfg(feature = "evaluate")]
    pub(crate) program: Option<Program>,
    pub(crate) waived: bool,
}

/// A rule that cannot be evaluated. Until it is waived, every decision under its pack is a deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleProblem {
    /// Name of the rule.
    pub rule: String,
    /// Why it cannot be evaluated.
    pub message: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Condition(Condition),
    Validator(Validator),
    Unevaluable(String),
}

/// Reads one item of `evaluation_rules`.
#[cfg(feature = "evaluate")]
pub(crate) fn rule_of(value: &Value, at: usize) -> Result<Rule, PackError> {
    Rule::parse(value, at)
}

impl Rule {
    pub(super) fn parse(value: &Value, at: usize) -> Result<Self, PackError> {
        let path = format!("evaluation_rules[{at}]");
        let map = value
            .as_object()
            .ok_or_else(|| wrong_type(&path, "an object"))?;
        let in_rule = |field: &str| format!("{path}.{field}");
        let kind = optional_text(map, "type", &in_rule("type"))?.unwrap_or("expression");
        let (source, body) = match kind {
            "custom_validator" => {
                let name = text(map, "validator", &in_rule("validator"))?;
                let missing = || Body::Unevaluable(format!("unknown validator `{name}`"));
                let found = Validator::lookup(name);
                (name, found.map_or_else(missing, Body::Validator))
            }
            "expression" | "condition" => {
                let source = text(map, "condition", &in_rule("condition"))?;
                let parsed = parse_condition(source);
                (
                    source,
                    parsed.map_or_else(|e| Body::Unevaluable(e.to_string()), Body::Condition),
                )
            }
            other => (
                "",
                Body::Unevaluable(format!("unknown rule type `{other}`")),
            ),
        };
        Ok(Self {
            name: text(map, "name", &in_rule("name"))?.to_owned(),
            deny_code: text(map, "deny_code", &in_rule("deny_code"))?.to_owned(),
            description: optional_text(map, "description", &in_rule("description"))?
                .map(str::to_owned),
            message: optional_text(map, "message", &in_rule("message"))?.map(str::to_owned),
            source: source.to_owned(),
            body,
            #[cfg(feature = "evaluate")]
            program: None,
            waived: false,
        })
    }

    /// Name, unique in its pack.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Code of the reason when it fails.
    #[must_use]
    pub fn deny_code(&self) -> &str {
        &self.deny_code
    }

    /// What it is for, in words.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Template of the message when it fails, with `{field}`, `{actual}`, `{limit}`, `{used}` and `{cap}`.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The condition as written, or the name of the validator.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the operator switched it off.
    #[must_use]
    pub fn is_waived(&self) -> bool {
        self.waived
    }
}
