//! Reading typed fields out of a pack document.

use super::{PackError, Rule};
use crate::counter::Counter;
use crate::{Absent, Window};
use serde_json::{Map, Value};

/// Most rules and most declared counters of a pack. Every one is tried on every call.
pub(crate) const MAX_RULES: usize = 1000;
pub(crate) const MAX_COUNTERS: usize = 100;
/// Most capabilities that a pack names. Each is a place where limits are looked for, in every decision.
pub(crate) const MAX_CAPABILITIES: usize = 100;

/// Largest pack, in bytes. Published ones have less than 20 KB.
const MAX_BYTES: usize = 1024 * 1024;

/// Refuses a pack that is larger than any is read.
pub(crate) fn bounded(bytes: &[u8]) -> Result<(), PackError> {
    if bytes.len() > MAX_BYTES {
        return Err(PackError::TooLarge {
            found: bytes.len(),
            most: MAX_BYTES,
        });
    }
    Ok(())
}

/// Refuses more of something than a decision can go through in bounded time.
pub(crate) fn few(what: &'static str, found: usize, most: usize) -> Result<(), PackError> {
    if found > most {
        return Err(PackError::TooMany { what, found, most });
    }
    Ok(())
}

pub(crate) fn wrong_type(field: &str, expected: &'static str) -> PackError {
    PackError::WrongType {
        field: field.to_owned(),
        expected,
    }
}

pub(crate) fn optional_text<'m>(
    map: &'m Map<String, Value>,
    key: &str,
    path: &str,
) -> Result<Option<&'m str>, PackError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong_type(path, "a string")),
    }
}

pub(crate) fn text<'m>(
    map: &'m Map<String, Value>,
    key: &str,
    path: &str,
) -> Result<&'m str, PackError> {
    optional_text(map, key, path)?.ok_or_else(|| PackError::MissingField {
        field: path.to_owned(),
    })
}

pub(crate) fn texts(value: &Value, path: &str) -> Result<Vec<String>, PackError> {
    let list = value.as_array().and_then(|list| {
        list.iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    });
    list.ok_or_else(|| wrong_type(path, "a list of strings"))
}

/// Limits that a passport has to set: a list of strings, or what it asks for would be passed over in silence.
pub(crate) fn limits_required(map: &Map<String, Value>) -> Result<Vec<String>, PackError> {
    let path = "limits_required";
    match map.get(path) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => texts(value, path),
    }
}

/// A list of strings is one alternative that needs them all; a list of lists is any one of several.
pub(crate) fn capabilities(map: &Map<String, Value>) -> Result<Vec<Vec<String>>, PackError> {
    let path = "requires_capabilities";
    let value = map.get(path).ok_or_else(|| PackError::MissingField {
        field: path.to_owned(),
    })?;
    let named = value.as_array().into_iter().flatten();
    let named = named.map(|one| one.as_array().map_or(1, |all| all.len().max(1)));
    few("capability name", named.sum(), MAX_CAPABILITIES)?;
    match value.as_array().map(Vec::as_slice) {
        Some(alternatives @ [Value::Array(_), ..]) => alternatives
            .iter()
            .map(|alternative| match texts(alternative, path)? {
                // An empty alternative would hold for every agent.
                list if list.is_empty() => Err(wrong_type(path, "alternatives that are not empty")),
                list => Ok(list),
            })
            .collect(),
        _ => Ok(vec![texts(value, path)?]),
    }
}

pub(crate) fn counters(map: &Map<String, Value>) -> Result<Vec<Counter>, PackError> {
    let Some(value) = map.get("counters") else {
        return Ok(Vec::new());
    };
    let list = value
        .as_array()
        .ok_or_else(|| wrong_type("counters", "a list of objects"))?;
    few("counter", list.len(), MAX_COUNTERS)?;
    let mut counters: Vec<Counter> = Vec::new();
    for (at, value) in list.iter().enumerate() {
        let counter = counter(value, at)?;
        if counters.iter().any(|known| known.name == counter.name) {
            return Err(PackError::Duplicate {
                what: "counter",
                name: counter.name,
            });
        }
        counters.push(counter);
    }
    Ok(counters)
}

pub(super) fn rules(map: &Map<String, Value>) -> Result<Vec<Rule>, PackError> {
    let field = "evaluation_rules";
    let list = map.get(field).ok_or_else(|| PackError::MissingField {
        field: field.to_owned(),
    })?;
    let list = list
        .as_array()
        .ok_or_else(|| wrong_type(field, "a list of rules"))?;
    few("rule", list.len(), MAX_RULES)?;
    let mut rules: Vec<Rule> = Vec::new();
    for (at, value) in list.iter().enumerate() {
        let rule = Rule::parse(value, at)?;
        if rules.iter().any(|known| known.name() == rule.name()) {
            return Err(PackError::Duplicate {
                what: "rule",
                name: rule.name().to_owned(),
            });
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// One item of `counters`.
pub(crate) fn counter(value: &Value, at: usize) -> Result<Counter, PackError> {
    let path = |field: &str| format!("counters[{at}].{field}");
    let map = value
        .as_object()
        .ok_or_else(|| wrong_type(&format!("counters[{at}]"), "an object"))?;
    let name = text(map, "name", &path("name"))?;
    let of = optional_text(map, "of", &path("of"))?.map(str::to_owned);
    let of = match (text(map, "kind", &path("kind"))?, of) {
        ("sum", Some(of)) => Some(of),
        ("count", None) => None,
        ("sum", None) => return Err(PackError::MissingField { field: path("of") }),
        _ => {
            return Err(wrong_type(
                &path("kind"),
                "`sum` with `of`, or `count` without it",
            ));
        }
    };
    let window = match text(map, "window", &path("window"))? {
        "minute" => Window::Minute,
        "hour" => Window::Hour,
        "day" => Window::Day,
        _ => return Err(wrong_type(&path("window"), "`minute`, `hour` or `day`")),
    };
    let by = map
        .get("by")
        .map_or_else(|| Ok(Vec::new()), |by| texts(by, &path("by")))?;
    Ok(Counter {
        name: name.to_owned(),
        of,
        by,
        window,
    })
}

/// What the pack says about absent fields.
pub(crate) fn absent(map: &Map<String, Value>) -> Result<Absent, PackError> {
    match optional_text(map, "absent", "absent")? {
        None | Some("deny") => Ok(Absent::Deny),
        Some("skip") => Ok(Absent::Skip),
        Some(_) => Err(wrong_type("absent", "`deny` or `skip`")),
    }
}

/// Whether a section asks for something. Published packs write some flags as text, and a request that is not
/// understood is one.
#[cfg(feature = "evaluate")]
pub(crate) fn flag(map: &Map<String, Value>, section: &str, key: &str) -> bool {
    let value = map.get(section).and_then(|section| section.get(key));
    !matches!(value, None | Some(Value::Null | Value::Bool(false)))
}

/// What was read, with all its errors, and as what it was read in the end.
#[cfg(feature = "evaluate")]
pub(crate) struct Mended<T> {
    pub(crate) read: Option<T>,
    pub(crate) errors: Vec<PackError>,
    pub(crate) value: Value,
}

/// Reads an object with all its errors: each field that is at fault is mended, until the rest of it reads.
#[cfg(feature = "evaluate")]
pub(crate) fn every_error<T>(
    value: &Value,
    parse: impl Fn(&Value) -> Result<T, PackError>,
    mend: impl Fn(&str, &mut Map<String, Value>),
) -> Mended<T> {
    let mut mended = value.clone();
    let mut errors = Vec::new();
    loop {
        let error = match parse(&mended) {
            Ok(read) => {
                return Mended {
                    read: Some(read),
                    errors,
                    value: mended,
                };
            }
            Err(error) => error,
        };
        let key = match &error {
            PackError::MissingField { field } | PackError::WrongType { field, .. } => {
                field.rsplit('.').next().unwrap_or(field).to_owned()
            }
            _ => String::new(),
        };
        let told = errors.contains(&error);
        if !told {
            errors.push(error);
        }
        match mended.as_object_mut() {
            Some(map) if !told => mend(&key, map),
            // Nothing to mend, or mending did not help.
            _ => {
                return Mended {
                    read: None,
                    errors,
                    value: mended,
                };
            }
        }
    }
}

/// One item of `counters`, with everything that keeps it from being a counter.
#[cfg(feature = "evaluate")]
pub(crate) fn counter_of(value: &Value, at: usize) -> Mended<Counter> {
    let parse = |value: &Value| counter(value, at);
    every_error(value, parse, |key, counter| match key {
        "of" | "kind" => {
            counter.remove("of");
            counter.insert("kind".to_owned(), "count".into());
        }
        "window" => {
            counter.insert(key.to_owned(), "day".into());
        }
        "name" => {
            counter.insert(key.to_owned(), format!("counters[{at}]").into());
        }
        key => {
            counter.remove(key);
        }
    })
}
