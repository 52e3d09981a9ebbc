//! Arguments that are neither stored nor logged, only their digest.
//!
//! What a policy says about a call names values: the text of a denial, its details. Before a decision
//! is signed, recorded or answered, values of redacted arguments are taken out of it.

use aport_gate_oap::{Digest, Reason, digest_json};
use serde_json::{Map, Value};

/// Takes the values of redacted fields out of reasons.
pub(crate) fn redact(reasons: &mut [Reason], context: &Map<String, Value>, fields: &[&str]) {
    let mut values = Vec::new();
    for field in fields {
        if let Some(value) = context.get(*field) {
            leaves(value, &mut values);
        }
    }
    for reason in reasons {
        redact_reason(reason, fields, &values);
    }
}

fn redact_reason(reason: &mut Reason, fields: &[&str], values: &[&Value]) {
    let mut hidden = values.iter().any(|value| mentions(&reason.message, value));
    if let Some(details) = &mut reason.details {
        let root = details.field.as_deref().map(root_of);
        let of_field = root.is_some_and(|root| fields.contains(&root));
        for shown in [
            &mut details.actual,
            &mut details.limit,
            &mut details.used,
            &mut details.cap,
        ] {
            if let Some(value) = shown
                && (of_field || holds(value, values))
            {
                *value = digest_of(value);
                hidden = true;
            }
        }
        hidden |= of_field;
    }
    if hidden {
        // Replaced as a whole: a short value would be cut out of other words as well.
        reason.message = format!("denied with `{}`; the values are redacted", reason.code);
    }
}

/// What stands in for a value: the digest of its canonical JSON form.
fn digest_of(value: &Value) -> Value {
    let digest = digest_json(value).unwrap_or_else(|_| Digest::of(value.to_string().as_bytes()));
    digest.to_string().into()
}

fn root_of(path: &str) -> &str {
    let path = path.strip_prefix("context.").unwrap_or(path);
    path.split(['.', '[']).next().unwrap_or(path)
}

fn leaves<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, found)),
        Value::Null | Value::Bool(_) => {}
        Value::String(text) if text.is_empty() => {}
        leaf => found.push(leaf),
    }
}

fn mentions(text: &str, value: &Value) -> bool {
    match value {
        // As a policy shows it, which may be cut or escaped.
        Value::String(value) => {
            let start: String = value.chars().take(8).collect();
            text.contains(&start) || text.contains(start.escape_debug().to_string().as_str())
        }
        other => text.contains(&other.to_string()),
    }
}

fn holds(shown: &Value, values: &[&Value]) -> bool {
    let mut found = Vec::new();
    leaves(shown, &mut found);
    found.iter().any(|shown| {
        values.iter().any(|value| match (shown, value) {
            (Value::String(shown), Value::String(_)) => mentions(shown, value),
            _ => shown == value,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aport_gate_oap::ReasonDetails;
    use serde_json::json;

    fn reason(message: &str, field: &str, actual: Value, limit: Value) -> Reason {
        Reason {
            code: "oap.x".to_owned(),
            message: message.to_owned(),
            details: Some(ReasonDetails {
                rule: "r".to_owned(),
                field: Some(field.to_owned()),
                actual: Some(actual),
                limit: Some(limit),
                ..ReasonDetails::default()
            }),
        }
    }

    #[test]
    fn a_redacted_value_is_in_no_part_of_a_reason() {
        let Value::Object(context) = json!({"card": {"number": "4111-1111"}, "amount": 7}) else {
            unreachable!()
        };
        let mut reasons = [
            reason(
                "card 4111-1111 is not known",
                "card.number",
                json!("4111-1111"),
                json!(["5"]),
            ),
            reason(
                "amount 7 is not 4111-1111",
                "amount",
                json!(7),
                json!("4111-1111"),
            ),
            reason("amount 7 is over 5", "amount", json!(7), json!(5)),
        ];
        redact(&mut reasons, &context, &["card"]);
        let text = serde_json::to_string(&reasons[..2]).unwrap();
        assert!(!text.contains("4111"), "{text}");
        assert!(text.contains("sha256:"), "{text}");
        assert_eq!(reasons[2].message, "amount 7 is over 5");
    }
}
