//! What a passport may do, and up to which limits.

use super::Document;
use crate::json::whole;
use serde_json::{Map, Value};
use std::collections::HashSet;

pub(super) fn capabilities(map: &Map<String, Value>, document: &mut Document<'_>) {
    let Some(value) = map.get("capabilities") else {
        return;
    };
    let Some(list) = value.as_array() else {
        document.error(
            "capabilities",
            "`capabilities` must be a list of objects with an `id`",
        );
        return;
    };
    let mut seen = HashSet::new();
    for (at, capability) in list.iter().enumerate() {
        let path = format!("capabilities[{at}]");
        let id = match capability {
            Value::String(id) => {
                document.warning(&path, "OAP asks for an object with an `id`");
                id.as_str()
            }
            Value::Object(_) => match capability.get("id").and_then(Value::as_str) {
                Some(id) => id,
                None => {
                    document.error(
                        &format!("{path}.id"),
                        "a capability needs an `id` that is a string",
                    );
                    continue;
                }
            },
            _ => {
                document.error(&path, "a capability must be an object with an `id`");
                continue;
            }
        };
        let part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if !id.split('.').all(part) {
            let message =
                format!("`{id}` is no capability id: expected lower-case words joined by dots");
            document.warning(&format!("{path}.id"), message);
        }
        if !seen.insert(id) {
            document.warning(&path, format!("capability `{id}` is listed twice; a call has to be within the `params` of every entry"));
        }
        if capability
            .get("params")
            .is_some_and(|params| !params.is_object())
        {
            document.warning(&format!("{path}.params"), "`params` must be an object");
        }
    }
}

pub(super) fn limits(map: &Map<String, Value>, document: &mut Document<'_>) {
    if let Some(limits) = map.get("limits") {
        match limits {
            Value::Object(limits) => amounts(limits, "limits", 0, document),
            _ => document.error("limits", "`limits` must be an object"),
        }
    }
    if let Some(regions) = map.get("regions") {
        let Some(list) = regions.as_array() else {
            document.error("regions", "`regions` must be a list of strings");
            return;
        };
        for (at, region) in list.iter().enumerate() {
            let path = format!("regions[{at}]");
            match region.as_str() {
                None => document.error(&path, "a region must be a string"),
                Some(region) if !is_region(region) => {
                    let message =
                        format!("`{region}` is no region: expected a form like `US` or `US-CA`");
                    document.warning(&path, message);
                }
                Some(_) => {}
            }
        }
    }
}

/// Currency limits, at any depth: one object for each currency, with amounts that are not negative.
fn amounts(limits: &Map<String, Value>, path: &str, depth: usize, document: &mut Document<'_>) {
    for (name, value) in limits {
        let inner = super::position::field(path, name);
        match value {
            Value::Object(currencies) if name == "currency_limits" => {
                for (currency, caps) in currencies {
                    let at = super::position::field(&inner, currency);
                    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
                        document.warning(
                            &at,
                            format!("`{currency}` is no currency: expected a form like `USD`"),
                        );
                    }
                    let Some(caps) = caps.as_object() else {
                        document.warning(&at, "limits of a currency must be an object");
                        continue;
                    };
                    for (cap, amount) in caps {
                        let minor = amount
                            .as_number()
                            .and_then(whole)
                            .filter(|amount| *amount >= 0);
                        if minor.is_none() && (amount.is_number() || amount.is_string()) {
                            let message =
                                format!("`{cap}` must be an integer in minor units, not negative");
                            document.warning(&super::position::field(&at, cap), message);
                        }
                    }
                }
            }
            Value::Object(nested) if depth < 8 => amounts(nested, &inner, depth + 1, document),
            _ => {}
        }
    }
}

fn is_region(region: &str) -> bool {
    let mut parts = region.split('-');
    let two = |part: Option<&str>| {
        part.is_some_and(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_uppercase()))
    };
    two(parts.next())
        && (parts.clone().next().is_none() || two(parts.next()))
        && parts.next().is_none()
}
