//! Wording of reasons.

use crate::canonical::is_exact;
use crate::condition::explain::Finding;
use crate::{Reason, ReasonDetails, Rule};
use serde_json::Value;

/// Most list items, and most characters of one value, that a message shows.
const SHOWN_ITEMS: usize = 20;
const SHOWN_CHARS: usize = 200;

/// A reason of a stage before the rules, without details.
pub(crate) fn stage(code: &str, message: impl Into<String>) -> Reason {
    Reason {
        code: code.to_owned(),
        message: message.into(),
        details: None,
    }
}

/// A reason that the pack, not the caller, is at fault for.
pub(crate) fn policy_error(rule: &str, message: &str) -> Reason {
    let details = ReasonDetails {
        rule: rule.to_owned(),
        ..Default::default()
    };
    let message = format!("rule `{rule}` cannot be evaluated: {message}");
    Reason {
        details: Some(details),
        ..stage("oap.policy_error", message)
    }
}

/// A rule that is false: its template if every placeholder has a value, else what was found, else its
/// description.
pub(crate) fn failed(rule: &Rule, finding: Option<Finding>) -> Reason {
    let finding = finding.unwrap_or_default();
    let message = rule
        .message()
        .and_then(|template| told(template, &finding))
        .or_else(|| finding.text.clone())
        .or_else(|| rule.description().map(str::to_owned))
        .unwrap_or_else(|| format!("rule `{}` does not hold", rule.name()));
    let Finding {
        field,
        actual,
        limit,
        used,
        cap,
        ..
    } = finding;
    let details = ReasonDetails {
        rule: rule.name().to_owned(),
        field,
        actual: actual.map(|value| exact(bounded(value))),
        limit: limit.map(|value| exact(bounded(value))),
        used: used.map(exact),
        cap: cap.map(exact),
    };
    Reason {
        details: Some(details),
        ..stage(rule.deny_code(), message)
    }
}

/// A rule that hangs on something absent.
pub(crate) fn missing(rule: &Rule, field: String, message: String) -> Reason {
    let details = ReasonDetails {
        rule: rule.name().to_owned(),
        field: Some(field),
        ..Default::default()
    };
    Reason {
        details: Some(details),
        ..stage(rule.deny_code(), message)
    }
}

/// A value as messages show it: text without quotes, long lists and texts cut.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text),
        Value::Array(items) => {
            let mut shown: Vec<_> = items.iter().take(SHOWN_ITEMS).map(shown).collect();
            if items.len() > SHOWN_ITEMS {
                shown.push(format!("and {} more", items.len() - SHOWN_ITEMS));
            }
            if shown.is_empty() {
                "(none)".to_owned()
            } else {
                shown.join(", ")
            }
        }
        other => cut(&other.to_string()),
    }
}

/// A value as details carry it. A context may be large; a decision, which is signed, stored and sent, is not.
pub(crate) fn bounded(value: Value) -> Value {
    const ITEMS: usize = 100;
    const CHARS: usize = 1000;
    match value {
        Value::String(text) if text.len() > CHARS && text.chars().nth(CHARS).is_some() => {
            Value::String(text.chars().take(CHARS).collect::<String>() + "…")
        }
        Value::Array(mut items) => {
            items.truncate(ITEMS);
            // Else what is left would hold the memory of all.
            items.shrink_to_fit();
            Value::Array(items.into_iter().map(bounded).collect())
        }
        Value::Object(map) => map
            .into_iter()
            .take(ITEMS)
            .map(|(key, value)| (key, bounded(value)))
            .collect(),
        other => other,
    }
}

/// A text as part of one line: control characters of a context or a pack must not forge lines in a log or a terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(clean).collect()
}

fn clean(c: char) -> char {
    match c {
        '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    }
}

/// A value with its numbers as a signed decision can carry them: those that JSON readers round become text.
fn exact(value: Value) -> Value {
    match value {
        Value::Number(number) if !is_exact(&number) => Value::String(number.to_string()),
        Value::Array(items) => items.into_iter().map(exact).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, exact(value)))
            .collect(),
        other => other,
    }
}

fn cut(text: &str) -> String {
    let short: String = text.chars().take(SHOWN_CHARS).map(clean).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        short + "…"
    } else {
        short
    }
}

/// The pack's sentence. One without places for values is the same for every call, so what was found follows
/// it, where it names a limit.
fn told(template: &str, finding: &Finding) -> Option<String> {
    let filled = fill(template, finding)?;
    Some(match &finding.text {
        Some(text) if filled == template && finding.limit.is_some() => format!("{filled} ({text})"),
        _ => filled,
    })
}

/// Names in braces that [`fill`] leaves as they are.
pub(crate) fn unknown_places(template: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for after in template.split('{').skip(1) {
        if let Some((name, _)) = after.split_once('}')
            && !matches!(name, "field" | "actual" | "limit" | "used" | "cap")
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            found.push(name);
        }
    }
    found
}

/// Fills the placeholders in one pass, so that a value that looks like a placeholder stays a value.
/// None when a placeholder has no value.
fn fill(template: &str, finding: &Finding) -> Option<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let place = after
            .split_once('}')
            .filter(|(name, _)| matches!(*name, "field" | "actual" | "limit" | "used" | "cap"));
        let Some((name, tail)) = place else {
            filled.push('{');
            rest = after;
            continue;
        };
        let value = match name {
            "field" => finding.field.clone(),
            "actual" => finding.actual.as_ref().map(shown),
            "limit" => finding.limit.as_ref().map(shown),
            "used" => finding.used.as_ref().map(shown),
            _ => finding.cap.as_ref().map(shown),
        };
        filled.push_str(&value?);
        rest = tail;
    }
    filled.push_str(rest);
    Some(filled)
}
