//! The context against a pack's `required_context`, compiled once with the pack.

use crate::PackError;
use crate::condition::fields::{FieldNames, Fields};
use crate::reason::{shown, stage};
use crate::{Reason, ReasonDetails};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// Most reasons that one context gives.
const MAX_REASONS: usize = 20;

#[cfg(test)]
mod differential;
pub(crate) mod format;
pub(crate) mod pattern;
mod shape;
mod work;

#[derive(Clone)]
pub(crate) struct Schema(Arc<Compiled>);

struct Compiled {
    validator: Validator,
    shape: Option<shape::Shape>,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Schema")
    }
}

impl Schema {
    /// Compiles it; the fields that it describes get a position among the names.
    pub(crate) fn compile(schema: &Value, fields: &mut FieldNames) -> Result<Self, PackError> {
        bounded(schema)?;
        let schema = with_gate_fields(schema);
        let compiled = Compiled {
            validator: validator(&schema)?,
            shape: shape::Shape::read(&schema, fields)?,
        };
        Ok(Self(Arc::new(compiled)))
    }

    /// What is wrong with a context. `fields` are its own.
    pub(crate) fn check(&self, context: &Map<String, Value>, fields: &Fields<'_>) -> Vec<Reason> {
        if let Some(shape) = &self.0.shape
            && shape.accepts(context.len(), fields)
        {
            return Vec::new();
        }
        let value = Value::Object(context.clone());
        let validator = &self.0.validator;
        if self.0.shape.is_none() && validator.is_valid(&value) {
            return Vec::new();
        }
        let mut reasons: Vec<Reason> = validator
            .iter_errors(&value)
            .take(MAX_REASONS)
            .map(|error| reason(&error))
            .collect();
        if reasons.is_empty() && self.0.shape.is_some() {
            // The two disagree, which is a mistake of ours. Refused, not guessed.
            reasons.push(stage(
                "oap.invalid_context",
                "the context does not fit its schema",
            ));
        }
        reasons
    }
}

/// Refuses a schema that takes long to compile, or to hold a context against.
///
/// # Errors
/// [`PackError::Schema`] or [`PackError::TooMany`].
pub(crate) fn bounded(schema: &Value) -> Result<(), PackError> {
    work::bounded(schema)?;
    pattern::few(schema)
}

/// What every gate adds to a context.
const GATE_FIELDS: [&str; 2] = ["agent_id", "policy_id"];

/// A schema that is closed against further fields means those of callers: the gate's own are
/// described where the pack does not describe them.
fn with_gate_fields(schema: &Value) -> Cow<'_, Value> {
    let closed = ["additionalProperties", "unevaluatedProperties"];
    let Some(map) = schema.as_object() else {
        return Cow::Borrowed(schema);
    };
    if !closed.iter().any(|keyword| map.contains_key(*keyword)) {
        return Cow::Borrowed(schema);
    }
    let mut map = map.clone();
    let properties = map
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(properties) = properties.as_object_mut() {
        for field in GATE_FIELDS {
            properties
                .entry(field)
                .or_insert_with(|| Value::Object(Map::new()));
        }
    }
    Cow::Owned(Value::Object(map))
}

fn validator(schema: &Value) -> Result<Validator, PackError> {
    // The linear-time engine: a pattern of a pack must not let a context take exponential time.
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .should_validate_formats(true)
        // Known to newer drafts only, and used in older ones; the check of a draft would be the same.
        .with_format("uuid", format::is_uuid)
        .with_format("regex", format::is_regex)
        .build(schema)
        .map_err(|error| PackError::Schema(error.to_string()))
}

fn reason(error: &ValidationError<'_>) -> Reason {
    let path = error
        .instance_path()
        .as_str()
        .trim_start_matches('/')
        .replace('/', ".");
    let inside = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    let found = shown(error.instance());
    let (field, problem, limit) = match error.kind() {
        ValidationErrorKind::Required { property } => (
            inside(property.as_str().unwrap_or_default()),
            "is missing".to_owned(),
            None,
        ),
        ValidationErrorKind::AdditionalProperties { unexpected } => (
            inside(&unexpected.join(", ")),
            "is not expected".to_owned(),
            None,
        ),
        ValidationErrorKind::Type { .. } => (
            path,
            format!("has the wrong type: {}", cut(&error.to_string())),
            None,
        ),
        ValidationErrorKind::Minimum { limit } => (
            path,
            format!("is {found}, below the minimum {limit}"),
            Some(limit.clone()),
        ),
        ValidationErrorKind::Maximum { limit } => (
            path,
            format!("is {found}, above the maximum {limit}"),
            Some(limit.clone()),
        ),
        ValidationErrorKind::Pattern { pattern } => (
            path,
            format!("is {found}, which does not match `{pattern}`"),
            None,
        ),
        ValidationErrorKind::Format { format } => {
            let example = format::example(format)
                .map(|example| format!(" such as `{example}`"))
                .unwrap_or_default();
            (
                path,
                format!("is {found}, which is no `{format}`{example}"),
                None,
            )
        }
        ValidationErrorKind::Enum { options } => {
            let options: &Value = options;
            (
                path,
                format!("is {found}, expected one of {}", shown(options)),
                Some(options.clone()),
            )
        }
        ValidationErrorKind::Constant { expected_value } => {
            let expected: &Value = expected_value;
            (
                path,
                format!("is {found}, expected {}", shown(expected)),
                Some(expected.clone()),
            )
        }
        _ => (
            path,
            format!("is not accepted: {}", cut(&error.to_string())),
            None,
        ),
    };
    let name = if field.is_empty() { "context" } else { &field };
    let message = format!("`{name}` {problem}");
    let details = ReasonDetails {
        rule: "required_context".to_owned(),
        field: Some(name.to_owned()),
        limit,
        ..Default::default()
    };
    Reason {
        details: Some(details),
        ..stage("oap.invalid_context", message)
    }
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}
