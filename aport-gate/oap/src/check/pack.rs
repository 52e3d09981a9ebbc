//! Everything wrong with a pack.

use super::{Document, Finding, approval, keys, literal, meant, mended, schema, unread};
use crate::condition::parse_condition;
use crate::pack::{Body, PackError, read, rule_of, tiers};
use crate::validator::Validator;
use crate::{AssuranceLevel, Pack, PackId, Rule};
use serde_json::{Map, Value};

impl Pack {
    /// Everything that is wrong with a pack document, in the order of its text. Without an error among the
    /// findings, [`Pack::parse`] reads it and every rule can be evaluated.
    ///
    /// ```
    /// use aport_gate_oap::{Pack, Severity};
    /// let findings = Pack::check(br#"{
    ///   "id": "acme.deploy.v1", "requires_capabilities": ["acme.deploy"],
    ///   "evaluation_rules": [
    ///     {"name": "stage", "condition": "context.stage = 'test'", "deny_code": "oap.stage"},
    ///     {"name": "size", "condition": "context.size <= limits.max_size", "deny_code": 7}
    ///   ]
    /// }"#);
    /// let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
    /// assert_eq!(errors.len(), 2);
    /// assert_eq!((errors[0].line, errors[0].column), (4, 51));
    /// assert!(errors[0].snippet.as_ref().unwrap().ends_with('^'));
    /// assert_eq!(errors[1].path, "evaluation_rules[1].deny_code");
    /// ```
    #[must_use]
    pub fn check(bytes: &[u8]) -> Vec<Finding> {
        if let Err(error) = read::bounded(bytes) {
            return vec![Finding::of_all(error.to_string())];
        }
        let mut document = match Document::read(bytes) {
            Ok(document) => document,
            Err(finding) => return vec![finding],
        };
        let value = document.value.clone();
        let Some(map) = value.as_object() else {
            document.error("", "a pack must be an object");
            return document.finish();
        };
        fields(map, &mut document);
        let rules = rules(map, &mut document);
        schema::of_pack(map, &mut document);
        keys::of_pack(map, &mut document);
        match Pack::parse(value.to_string().as_bytes()) {
            Ok(pack) => tied(&pack, true, &mut document),
            Err(error) => {
                // Nothing that keeps a pack from loading may go unreported.
                if !document.has_errors() {
                    document.error("", error.to_string());
                }
                // What can be said of the rest of it is said now, not when this is mended.
                if let Some(pack) = mended::pack(map) {
                    tied(&pack, read::counters(map).is_ok(), &mut document);
                }
            }
        }
        for (at, rule) in rules {
            text_of(&rule, &format!("evaluation_rules[{at}]"), &mut document);
        }
        document.finish()
    }
}

/// What shows only where the parts of a pack meet.
fn tied(pack: &Pack, counters_are_whole: bool, document: &mut Document<'_>) {
    bound(pack, document);
    unread::report(pack, counters_are_whole, document);
    literal::report(pack, document);
}

/// Reports an error at the field that it names.
fn report<T>(result: Result<T, PackError>, document: &mut Document<'_>) -> Option<T> {
    result
        .map_err(|error| match &error {
            PackError::MissingField { field } => {
                let (parent, name) = field.rsplit_once('.').unwrap_or(("", field));
                let near = document
                    .value
                    .pointer(&pointer(parent))
                    .and_then(Value::as_object)
                    .and_then(|map| {
                        let keys: Vec<&str> = map.keys().map(String::as_str).collect();
                        meant(name, &keys)
                    });
                let message = match near {
                    Some(near) => format!("`{name}` is missing; is `{near}` meant to be it?"),
                    None => format!("`{name}` is missing"),
                };
                document.error(parent, message);
            }
            PackError::WrongType { field, expected } => {
                let name = field.rsplit('.').next().unwrap_or(field);
                document.error(field, format!("`{name}` must be {expected}"));
            }
            _ => document.error("", error.to_string()),
        })
        .ok()
}

fn pointer(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    format!("/{}", path.replace(['.', '['], "/").replace(']', ""))
}

fn fields(map: &Map<String, Value>, document: &mut Document<'_>) {
    if let Some(id) = report(read::text(map, "id", "id"), document)
        && let Err(error) = PackId::parse(id)
    {
        document.error("id", error.to_string());
    }
    report(read::optional_text(map, "name", "name"), document);
    if let Some(alternatives) = report(read::capabilities(map), document)
        && alternatives.iter().all(Vec::is_empty)
    {
        let message = "no capability is asked for: every agent with a passport may call";
        document.warning("requires_capabilities", message);
    }
    report(read::limits_required(map), document);
    let level = read::optional_text(map, "min_assurance", "min_assurance");
    if let Some(Some(level)) = report(level, document)
        && let Err(error) = AssuranceLevel::parse(level)
    {
        document.error("min_assurance", error.to_string());
    }
    match map.get("idempotency") {
        None | Some(Value::Null) => {}
        Some(Value::Object(idempotency)) => {
            report(
                read::text(idempotency, "field", "idempotency.field"),
                document,
            );
        }
        Some(_) => document.error("idempotency", "`idempotency` must be an object"),
    }
    report(read::absent(map), document);
    match tiers::parse(map) {
        Err(PackError::AssuranceLevel(error)) => {
            document.error("assurance_rules", error.to_string());
        }
        other => {
            report(other, document);
        }
    }
    named(map, "counters", document, |value, at| {
        let counter = read::counter_of(value, at);
        (counter.read.map(|counter| counter.name), counter.errors)
    });
    approval::of_pack(map, document);
}

/// Reads each item of a list of named things, and reports two of one name.
fn named(
    map: &Map<String, Value>,
    list: &str,
    document: &mut Document<'_>,
    name: impl Fn(&Value, usize) -> (Option<String>, Vec<PackError>),
) {
    let Some(items) = map.get(list) else { return };
    let Some(items) = items.as_array() else {
        document.error(list, format!("`{list}` must be a list of objects"));
        return;
    };
    let mut seen: Vec<(String, usize)> = Vec::new();
    for (at, value) in items.iter().take(read::MAX_RULES).enumerate() {
        let (name, errors) = name(value, at);
        for error in errors {
            report::<()>(Err(error), document);
        }
        let Some(name) = name else { continue };
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == name) {
            let message = format!("`{list}[{first}]` has the name `{name}` too; rename one");
            document.error(&format!("{list}[{at}].name"), message);
        }
        seen.push((name, at));
    }
}

fn rules(map: &Map<String, Value>, document: &mut Document<'_>) -> Vec<(usize, Rule)> {
    let field = "evaluation_rules";
    let Some(list) = map.get(field) else {
        let error = PackError::MissingField {
            field: field.to_owned(),
        };
        report::<()>(Err(error), document);
        return Vec::new();
    };
    named(map, field, document, |value, at| {
        let rule = rule_of(value, at);
        (rule.read.map(|rule| rule.name().to_owned()), rule.errors)
    });
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        document.warning(field, "no rules: capabilities and assurance alone decide");
    }
    list.iter()
        .take(read::MAX_RULES)
        .enumerate()
        .filter_map(|(at, value)| Some((at, rule_of(value, at).read?)))
        .collect()
}

/// What can be said about a rule by itself.
fn text_of(rule: &Rule, path: &str, document: &mut Document<'_>) {
    if let Some(message) = rule.message() {
        for name in crate::reason::unknown_places(message) {
            let known = "`{field}`, `{actual}`, `{limit}`, `{used}` or `{cap}`";
            let text = format!("`{{{name}}}` is not filled in: expected {known}");
            document.warning(&format!("{path}.message"), text);
        }
    }
    let Body::Unevaluable(problem) = &rule.body else {
        return;
    };
    let name = rule.name();
    let is_condition = !matches!(document_kind(document, path), Some("custom_validator"));
    if is_condition && !rule.source().is_empty() {
        if let Err(error) = parse_condition(rule.source()) {
            let message = format!("rule `{name}` cannot be evaluated: {}", error.message);
            let snippet = error.snippet();
            document.inside(&format!("{path}.condition"), error.offset, message, snippet);
        }
        return;
    }
    let validators = Validator::ALL.map(|(name, _)| name);
    let (at, known) = if is_condition {
        ("type", &keys::TYPES[..])
    } else {
        ("validator", &validators[..])
    };
    let written = document
        .value
        .pointer(&pointer(path))
        .and_then(|rule| rule.get(at)?.as_str());
    let near = written.and_then(|written| meant(written, known));
    let near = near
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    let message = format!("rule `{name}` cannot be evaluated: {problem}{near}");
    document.error(&format!("{path}.{at}"), message);
}

fn document_kind<'d>(document: &'d Document<'_>, path: &str) -> Option<&'d str> {
    document
        .value
        .pointer(&pointer(path))?
        .get("type")?
        .as_str()
}

/// Rules that parse but cannot be tied to the pack.
fn bound(pack: &Pack, document: &mut Document<'_>) {
    for (at, rule) in pack.rules().iter().enumerate() {
        let Body::Unevaluable(problem) = &rule.body else {
            continue;
        };
        let parses = !rule.source().is_empty() && parse_condition(rule.source()).is_ok();
        let path = format!("evaluation_rules[{at}]");
        if parses && document_kind(document, &path) != Some("custom_validator") {
            let message = format!("rule `{}` cannot be evaluated: {problem}", rule.name());
            document.error(&format!("{path}.condition"), message);
        }
    }
}
