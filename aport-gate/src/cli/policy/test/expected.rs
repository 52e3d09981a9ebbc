//! One expectation: a decision, or the essentials of one.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::vectors::Document;
use crate::cli::failure::Failure;

/// What a case must come to.
pub(super) struct Expected {
    pub(super) name: Option<String>,
    pub(super) place: String,
    pub(super) allow: bool,
    /// For a deny: the code that must be among the reasons, if one is named.
    pub(super) code: Option<String>,
    /// When the expected decision was made.
    pub(super) at: Option<Timestamp>,
}

impl Expected {
    pub(super) fn parse(document: Document) -> Result<Self, Failure> {
        let Document {
            value,
            place,
            named,
        } = document;
        let line = value
            .as_object()
            .ok_or_else(|| Failure::new(format!("expectation at {place}: it must be an object")))?;
        let inner = ["expected", "expect", "decision"]
            .into_iter()
            .find_map(|key| line.get(key)?.as_object())
            .unwrap_or(line);
        let name = line.get("name").or_else(|| inner.get("name"));
        let name = name.and_then(|name| match name {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        let code = code(inner);
        let allow = allow(inner)
            .or_else(|| allow(line))
            .or_else(|| code.as_deref().map(is_allowed))
            .ok_or_else(|| {
                Failure::new(format!("expectation at {place}: it does not say `allow`"))
                    .hint("give a decision, or {\"name\": …, \"expected\": {\"allow\": false, \"reasons\": [{\"code\": …}]}}")
            })?;
        Ok(Self {
            name: name.or(named),
            place,
            allow,
            code: code.filter(|code| !allow && !is_allowed(code)),
            at: ["created_at", "issued_at"].into_iter().find_map(|key| {
                inner
                    .get(key)
                    .or_else(|| line.get(key))?
                    .as_str()?
                    .parse()
                    .ok()
            }),
        })
    }
}

fn is_allowed(code: &str) -> bool {
    code == "oap.allowed" || code == "allowed"
}

fn allow(map: &Map<String, Value>) -> Option<bool> {
    let flag = ["allow", "allowed", "expected"]
        .into_iter()
        .find_map(|key| map.get(key)?.as_bool());
    let word = |key: &str| match map.get(key)?.as_str()?.to_ascii_lowercase().as_str() {
        "allow" | "allowed" | "allow_with_warning" => Some(true),
        "deny" | "denied" | "require_review" => Some(false),
        _ => None,
    };
    let words = ["outcome", "decision", "expected", "result", "status"];
    flag.or_else(|| words.into_iter().find_map(word))
}

/// The code of the first reason, in the forms that decisions and hand-written vectors have.
fn code(map: &Map<String, Value>) -> Option<String> {
    let text = |value: &Value| {
        let text = value.as_str().or_else(|| value.get("code")?.as_str())?;
        // A sentence is no code.
        (!text.contains(char::is_whitespace)).then(|| text.to_owned())
    };
    let lists = ["reasons", "codes", "deny_codes", "reason_codes"];
    let singles = [
        "deny_code",
        "code",
        "reason_code",
        "error_code",
        "reason",
        "error",
    ];
    let of_list = lists
        .into_iter()
        .find_map(|key| map.get(key)?.as_array()?.first().and_then(text));
    of_list.or_else(|| {
        singles
            .into_iter()
            .find_map(|key| map.get(key).and_then(text))
    })
}
