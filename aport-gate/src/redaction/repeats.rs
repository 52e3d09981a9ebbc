//! Finding a redacted value again, where a look-up may have brought it back.

use serde_json::{Map, Value};

use super::Redacted;

/// The redacted values of a call as text.
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn of(redacted: &Redacted, context: &Map<String, Value>) -> Self {
        let mut found = Vec::new();
        for field in redacted.fields() {
            if let Some(value) = context.get(field) {
                each_text(value, &mut |text| found.push(text.to_owned()));
            }
        }
        Self(found)
    }

    /// Whether a value holds one of them, keys of its objects included.
    pub(crate) fn repeated_in(&self, value: &Value) -> bool {
        let mut repeated = false;
        each_text(value, &mut |text| repeated |= self.quoted_in(text));
        repeated
    }

    /// Whether a text quotes one of them, as it is or escaped.
    pub(crate) fn quoted_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| {
            let json = Value::from(secret.as_str()).to_string();
            let escaped = json.trim_matches('"');
            text.contains(secret.as_str())
                || text.contains(escaped)
                || text.contains(&secret.escape_debug().to_string())
        })
    }
}

/// Numbers, texts and keys. Truth values and empty texts identify nothing.
fn each_text(value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => found(&number.to_string()),
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => found(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, found)),
        Value::Object(members) => {
            for (key, member) in members {
                if !key.is_empty() {
                    found(key);
                }
                each_text(member, found);
            }
        }
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}
