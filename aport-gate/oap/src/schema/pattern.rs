//! Patterns in a pack's schema: how many there may be, and which cannot be used.

use super::format::walk;
use crate::PackError;
use crate::check::MAX_FINDINGS;
use serde_json::{Value, json};

/// Most patterns of a schema. Each is compiled when its pack loads, which takes up to milliseconds.
const MOST: usize = 200;

/// Refuses a schema whose patterns alone would take long to compile.
///
/// # Errors
/// [`PackError::TooMany`]
pub(super) fn few(schema: &Value) -> Result<(), PackError> {
    let mut found = 0;
    walk(schema, "", &mut |_, key, value| match (key, value) {
        ("pattern", Value::String(_)) => found += 1,
        ("patternProperties", Value::Object(schemas)) => found += schemas.len(),
        _ => {}
    });
    crate::pack::read::few("schema pattern", found, MOST)
}

/// Patterns of a schema that do not compile, each with its place as a JSON pointer and what is wrong.
pub(crate) fn unusable(schema: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(schema, "", &mut |place, key, value| {
        let mut keep = |place: &str, alone: Value| {
            if found.len() < MAX_FINDINGS
                && let Err(PackError::Schema(problem)) = super::validator(&alone)
            {
                found.push((place.to_owned(), problem));
            }
        };
        match (key, value) {
            ("pattern", Value::String(pattern)) => keep(place, json!({ "pattern": pattern })),
            ("patternProperties", Value::Object(schemas)) => {
                for pattern in schemas.keys() {
                    keep(place, json!({ "patternProperties": { pattern: true } }));
                }
            }
            _ => {}
        }
    });
    found
}
