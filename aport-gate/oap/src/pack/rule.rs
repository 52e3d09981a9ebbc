//! Rules of a pack.

use super::PackError;
#[cfg(feature = "evaluate")]
use super::read::{Mended, every_error};
use super::read::{optional_text, text, wrong_type};
#[cfg(feature = "evaluate")]
use crate::condition::program::Program;
use crate::condition::{Condition, parse_condition};
use crate::validator::Validator;
use serde_json::{Map, Value};

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
    /// The only kind of call that the rule is about, where it is about one.
    #[cfg(feature = "evaluate")]
    pub(crate) only_for: Option<std::sync::Arc<super::CallKind>>,
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

/// Reads one item of `evaluation_rules`, with everything that keeps it from being a rule.
#[cfg(feature = "evaluate")]
pub(crate) fn rule_of(value: &Value, at: usize) -> Mended<Rule> {
    let parse = |value: &Value| Rule::parse(value, at);
    every_error(value, parse, |key, rule| {
        match key {
            // What is written of a condition is still looked at.
            "type" | "validator" => {
                rule.insert("type".to_owned(), "expression".into());
                if !rule.get("condition").is_some_and(Value::is_string) {
                    rule.insert("condition".to_owned(), "true".into());
                }
            }
            "condition" => {
                rule.insert(key.to_owned(), "true".into());
            }
            "name" => {
                rule.insert(key.to_owned(), format!("evaluation_rules[{at}]").into());
            }
            key => {
                rule.insert(key.to_owned(), "oap.unnamed".into());
            }
        }
    })
}

/// A text that says something.
fn said(map: &Map<String, Value>, key: &str, path: &str) -> Result<String, PackError> {
    let said = text(map, key, path)?;
    if said.trim().is_empty() {
        return Err(wrong_type(path, "a string that is not empty"));
    }
    Ok(said.to_owned())
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
            name: said(map, "name", &in_rule("name"))?,
            deny_code: said(map, "deny_code", &in_rule("deny_code"))?,
            description: optional_text(map, "description", &in_rule("description"))?
                .map(str::to_owned),
            message: optional_text(map, "message", &in_rule("message"))?.map(str::to_owned),
            source: source.to_owned(),
            body,
            #[cfg(feature = "evaluate")]
            program: None,
            #[cfg(feature = "evaluate")]
            only_for: None,
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

    /// Whether it is about calls of a kind that this is not.
    #[cfg(feature = "evaluate")]
    pub(crate) fn is_of_another_kind(&self, context: &Map<String, Value>) -> bool {
        let kind = self.only_for.as_ref();
        kind.is_some_and(|kind| kind.excludes(context))
    }

    /// Whether the operator switched it off.
    #[must_use]
    pub fn is_waived(&self) -> bool {
        self.waived
    }
}
