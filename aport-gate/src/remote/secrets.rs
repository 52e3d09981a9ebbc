//! What of an exchange nobody may read: replaced in all that the registry says, before anything of it is kept.

use std::borrow::Cow;
use std::fmt;

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;
use zeroize::Zeroizing;

use super::api_key::ApiKey;
use super::outcome::OUTCOME_TOKEN;

const HIDDEN: &str = "[redacted]";
/// A secret below this many bytes is also a part of honest words: it is replaced where it stands alone.
const LONG: usize = 8;

/// The API key and the tokens of one request and its answer. A server that refuses a key often repeats it.
pub(super) struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    /// Of a request: the key, and whatever else its headers hold that no debug output shows.
    pub(super) fn of(key: Option<&ApiKey>, request: &HeaderMap) -> Self {
        let mut secrets = Self(Vec::new());
        secrets.add(key.map(ApiKey::as_str));
        for value in request.values().filter(|value| value.is_sensitive()) {
            secrets.add(text_of(value));
        }
        secrets
    }

    /// The leave to report, which comes with the answer.
    pub(super) fn add_token(&mut self, answer: &HeaderMap) {
        self.add(answer.get(OUTCOME_TOKEN).and_then(text_of));
    }

    fn add(&mut self, secret: Option<&str>) {
        if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
            self.0.push(Zeroizing::new(secret.to_owned()));
            // One that holds another goes as a whole.
            self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// The text without them.
    pub(super) fn out_of<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(replaced(&text, secret));
            }
        }
        text
    }

    /// The value without them; none if there is none of them in it.
    pub(super) fn hidden_in(&self, value: &Value) -> Option<Value> {
        self.stand_in(value).then(|| self.without(value))
    }

    fn stand_in(&self, value: &Value) -> bool {
        let in_text = |text: &str| self.out_of(text) != text;
        match value {
            Value::String(text) => in_text(text),
            Value::Array(values) => values.iter().any(|value| self.stand_in(value)),
            Value::Object(fields) => fields
                .iter()
                .any(|(name, value)| in_text(name) || self.stand_in(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    fn without(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.out_of(text).into(),
            Value::Array(values) => values.iter().map(|value| self.without(value)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (self.out_of(name).into_owned(), self.without(value)))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

fn replaced(text: &str, secret: &str) -> String {
    let in_word = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    if secret.len() >= LONG || !secret.chars().all(in_word) {
        return text.replace(secret, HIDDEN);
    }
    let mut clean = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c| !in_word(c)) {
        // A sentence ends with a full stop that is none of the word.
        let rest = piece.strip_prefix(secret);
        match rest.filter(|rest| !rest.trim_start_matches('.').starts_with(in_word)) {
            Some(rest) => {
                clean.push_str(HIDDEN);
                clean.push_str(rest);
            }
            None => clean.push_str(piece),
        }
    }
    clean
}

fn text_of(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secrets(key: &str, token: &str) -> Secrets {
        let mut answer = HeaderMap::new();
        answer.insert(OUTCOME_TOKEN, HeaderValue::from_str(token).unwrap());
        let mut secrets = Secrets::of(Some(&ApiKey::new(key.to_owned())), &HeaderMap::new());
        secrets.add_token(&answer);
        secrets
    }

    #[test]
    fn key_and_token_are_replaced_in_names_and_values_at_any_depth() {
        let secrets = secrets("key-hunter2", "key-hunter2-token");
        let said =
            json!({"a": ["key-hunter2", {"xkey-hunter2x": "is key-hunter2-token."}], "b": 1});
        let clean = json!({"a": ["[redacted]", {"x[redacted]x": "is [redacted]."}], "b": 1});
        assert_eq!(secrets.hidden_in(&said), Some(clean));
        assert_eq!(secrets.hidden_in(&json!({"a": "hunter2", "b": 1})), None);
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }

    #[test]
    fn a_short_one_is_replaced_where_it_stands_alone() {
        let secrets = secrets("test", "t");
        for (said, clean) in [
            ("test", "[redacted]"),
            ("bad `Bearer test`", "bad `Bearer [redacted]`"),
            ("bad key=test.", "bad key=[redacted]."),
            ("no test, t", "no [redacted], [redacted]"),
            ("ap_test", "ap_test"),
            ("test.echo.v1 tests", "test.echo.v1 tests"),
        ] {
            assert_eq!(secrets.out_of(said), clean);
        }
    }
}
