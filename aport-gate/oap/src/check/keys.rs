//! Keys that are nearly known ones, and texts that are no code or no status.

use super::{Document, MAX_FINDINGS, field, meant};
use crate::approval::Name;
use crate::pack::read::MAX_RULES;
use serde_json::{Map, Value};

/// Keys that a pack may have, for telling a typing slip from a key of somebody else.
const OF_PACK: [&str; 23] = [
    "id",
    "name",
    "description",
    "version",
    "status",
    "requires_capabilities",
    "min_assurance",
    "limits_required",
    "required_fields",
    "optional_fields",
    "enforcement",
    "required_context",
    "evaluation_rules",
    "evaluation_rules_version",
    "counters",
    "idempotency",
    "absent",
    "assurance_rules",
    "approval_required",
    "advice",
    "deprecation",
    "created_at",
    "updated_at",
];

/// Keys of a rule.
const OF_RULE: [&str; 7] = [
    "name",
    "type",
    "condition",
    "validator",
    "deny_code",
    "description",
    "message",
];

/// Types of rules.
pub(super) const TYPES: [&str; 3] = ["expression", "condition", "custom_validator"];

/// What a pack may say of itself. It decides in any of them.
const STATES: [&str; 5] = ["draft", "active", "deprecated", "suspended", "retired"];

pub(super) fn of_pack(map: &Map<String, Value>, document: &mut Document<'_>) {
    for key in map.keys().take(MAX_FINDINGS) {
        if !OF_PACK.contains(&key.as_str())
            && !["mcp", "cache"].contains(&key.as_str())
            && Name::of(key).is_none()
            && let Some(near) = meant(key, &OF_PACK)
            && near.len() > 4
        {
            let here = if map.contains_key(near) {
                ", which is here as well"
            } else {
                ""
            };
            let message = format!("`{key}` means nothing here: did you mean `{near}`{here}?");
            document.warning(&field("", key), message);
        }
    }
    status(map, document);
    fields(map, document);
    let rules = map.get("evaluation_rules").and_then(Value::as_array);
    for (at, rule) in rules.into_iter().flatten().take(MAX_RULES).enumerate() {
        if let Some(rule) = rule.as_object() {
            of_rule(rule, &format!("evaluation_rules[{at}]"), document);
        }
    }
}

fn of_rule(rule: &Map<String, Value>, path: &str, document: &mut Document<'_>) {
    if document.findings.len() >= MAX_FINDINGS {
        return;
    }
    let by_validator = rule.get("type").and_then(Value::as_str) == Some("custom_validator");
    // An error tells of these already where they are missing, with the key that may be meant.
    let needed = [
        "name",
        "deny_code",
        if by_validator {
            "validator"
        } else {
            "condition"
        },
    ];
    for key in rule.keys().take(MAX_FINDINGS) {
        if !OF_RULE.contains(&key.as_str())
            && let Some(near) = meant(key, &OF_RULE)
            && (rule.contains_key(near) || !needed.contains(&near))
        {
            let message = format!("`{key}` means nothing in a rule: did you mean `{near}`?");
            document.warning(&field(path, key), message);
        }
    }
    if let Some(code) = rule.get("deny_code").and_then(Value::as_str)
        && !code.trim().is_empty()
        && !is_code(code)
    {
        let message = format!("`{code}` is no code: expected a form like `oap.limit_exceeded`");
        document.warning(&field(path, "deny_code"), message);
    }
}

/// Words of lower-case letters, digits and underscores, joined by dots.
fn is_code(code: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
    };
    code.split('.').all(word)
}

fn status(map: &Map<String, Value>, document: &mut Document<'_>) {
    let Some(status) = map.get("status").and_then(Value::as_str) else {
        return;
    };
    if STATES.contains(&status) {
        if status != "active" {
            let message = format!(
                "`status` is `{status}`, which changes nothing: a pack that is loaded decides"
            );
            document.warning("status", message);
        }
        return;
    }
    let near = meant(status, &STATES).map(|near| format!("; did you mean `{near}`?"));
    let message = format!(
        "`status` is `{status}`, expected one of `{}`{}",
        STATES.join("`, `"),
        near.unwrap_or_default()
    );
    document.warning("status", message);
}

/// `required_fields` repeats what the schema requires, for people and older verifiers. Only the schema decides.
fn fields(map: &Map<String, Value>, document: &mut Document<'_>) {
    let Some(list) = map.get("required_fields") else {
        return;
    };
    let Some(told) = list.as_array() else {
        document.warning(
            "required_fields",
            "`required_fields` must be a list of strings",
        );
        return;
    };
    let schema = map.get("required_context");
    let required = schema.and_then(|schema| schema.get("required")?.as_array());
    let required = required.map(Vec::as_slice).unwrap_or_default();
    for (at, name) in told.iter().enumerate().take(MAX_FINDINGS) {
        if let Some(text) = name.as_str()
            && !required.contains(name)
        {
            let message = format!(
                "`{text}` is not in `required_context.required`, which alone decides, so a call may leave it out"
            );
            document.warning(&format!("required_fields[{at}]"), message);
        }
    }
    for (at, name) in required.iter().enumerate().take(MAX_FINDINGS) {
        if let Some(text) = name.as_str()
            && !told.contains(name)
        {
            let message = format!("`{text}` is required here but not named in `required_fields`");
            document.warning(&format!("required_context.required[{at}]"), message);
        }
    }
}
