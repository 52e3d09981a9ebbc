//! Where something stands in a pack file, as `:line:column`.

use aport_gate_oap::JsonError;
use serde_json::Value;

/// The beginning of a file.
pub(crate) const START: &str = ":1:1";

pub(crate) fn of_json_error(error: &JsonError) -> String {
    match error {
        JsonError::Syntax { line, column, .. }
        | JsonError::DuplicateKey { line, column, .. }
        | JsonError::TooDeep { line, column } => format!(":{line}:{column}"),
    }
}

/// The condition of a rule, or its name where the condition is spelled another way.
pub(crate) fn of_rule(json: &[u8], pack: &Value, rule: &str) -> String {
    let rules = pack.get("evaluation_rules").and_then(Value::as_array);
    let found = rules
        .into_iter()
        .flatten()
        .find(|value| value.get("name").and_then(Value::as_str) == Some(rule));
    let text = ["condition", "validator", "type"]
        .iter()
        .find_map(|key| found?.get(key)?.as_str());
    text.and_then(|text| find(json, text, false))
        .or_else(|| find(json, rule, false))
        .unwrap_or_else(|| START.to_owned())
}

/// A field by its path, such as `evaluation_rules[2].name`: the last key of it that can be found.
pub(crate) fn of_path(json: &[u8], path: &str) -> String {
    let mut keys = path
        .split(['.', '['])
        .filter(|key| !key.is_empty() && !key.ends_with(']'));
    let first = keys.next().unwrap_or(path);
    keys.next_back()
        .and_then(|key| find(json, key, false))
        .or_else(|| find(json, first, false))
        .unwrap_or_else(|| START.to_owned())
}

/// The last string that is `text`: of two of one name, the second.
pub(crate) fn of_last_text(json: &[u8], text: &str) -> String {
    find(json, text, true).unwrap_or_else(|| START.to_owned())
}

fn find(json: &[u8], text: &str, last: bool) -> Option<String> {
    let json = std::str::from_utf8(json).ok()?;
    let quoted = serde_json::to_string(text).ok()?;
    let at = if last {
        json.rfind(&quoted)
    } else {
        json.find(&quoted)
    }?;
    let before = json.get(..at)?;
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Some(format!(":{line}:{column}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_by_its_condition() {
        let json = b"{\n  \"evaluation_rules\": [\n    { \"name\": \"cap\", \"condition\": \"a >\" }\n  ]\n}";
        let pack: Value = serde_json::from_slice(json).unwrap();
        assert_eq!(of_rule(json, &pack, "cap"), ":3:35");
    }
}
