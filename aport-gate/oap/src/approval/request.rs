//! What a pack itself says about approval, read once when it loads.

use super::name::Name;
use crate::check::field;
use serde_json::{Map, Value};

/// Parts of a pack, besides its top, that may ask.
const SECTIONS: [&str; 2] = ["enforcement", "mcp"];

/// One thing in a pack that asks for approval, or says that none is needed.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Where in the pack.
    pub(crate) place: String,
    pub(crate) name: Name,
    pub(crate) value: Value,
}

/// Everything in a pack that speaks of approval, wherever requests are looked for.
pub(crate) fn requests(pack: &Map<String, Value>) -> Vec<Request> {
    let mut found = Vec::new();
    for (key, value) in pack {
        keep("", key, value, &mut found);
    }
    for section in SECTIONS {
        if let Some(value) = pack.get(section) {
            gather(value, section, &mut found);
        }
    }
    found
}

/// The same of a passport: beside its fields, in its limits, and in its capabilities with their parameters.
pub(crate) fn requests_of_passport(passport: &Map<String, Value>) -> Vec<Request> {
    let mut found = Vec::new();
    for (key, value) in passport {
        keep("", key, value, &mut found);
    }
    for part in ["limits", "capabilities"] {
        if let Some(value) = passport.get(part) {
            gather(value, part, &mut found);
        }
    }
    found
}

fn gather(value: &Value, place: &str, found: &mut Vec<Request>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if !keep(place, key, value, found) {
                    gather(value, &field(place, key), found);
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                gather(item, &format!("{place}[{at}]"), found);
            }
        }
        _ => {}
    }
}

fn keep(place: &str, key: &str, value: &Value, found: &mut Vec<Request>) -> bool {
    let Some(name) = Name::of(key) else {
        return false;
    };
    found.push(Request {
        place: field(place, key),
        name,
        value: value.clone(),
    });
    true
}

impl Request {
    /// Whether it says that no approval is needed.
    pub(crate) fn is_off(&self) -> bool {
        matches!(self.value, Value::Null | Value::Bool(false))
    }

    /// Whether it asks, in a passport: an object under another name may hold the limits of another capability.
    pub(crate) fn asks_in_passport(&self) -> bool {
        asks_in_passport(&self.value)
    }

    /// Whether its value says clearly when a person has to approve. What does not asks always.
    pub(crate) fn is_understood(&self) -> bool {
        match (self.name, &self.value) {
            (Name::Flag, Value::Bool(_)) | (Name::Flag | Name::Threshold, Value::Null) => true,
            // Published packs write some flags as text.
            (Name::Flag, Value::String(text)) => text == "true",
            (Name::Flag, Value::Object(map)) => {
                !map.is_empty()
                    && map.iter().all(|(key, value)| {
                        (super::INNER.contains(&key.as_str()) && is_amount(value))
                            || (is_currency(key) && value.is_number())
                    })
            }
            (Name::Flag | Name::Threshold, value) => is_amount(value),
            (Name::Alike, _) => self.is_off(),
        }
    }
}

/// What asks inside of an object, as in `approval: {"required": true}`.
const PARTS: [&str; 8] = [
    "required",
    "requires",
    "require",
    "needed",
    "enabled",
    "always",
    "mandatory",
    "for",
];

/// Whether the value of another name asks, in a passport. A list names what a person has to approve; by which of its
/// items a call is meant nobody knows. An object asks by a part that does: others are limits of a capability.
pub(super) fn asks_in_passport(value: &Value) -> bool {
    match value {
        Value::Bool(true) | Value::String(_) | Value::Number(_) => true,
        Value::Array(items) => !items.is_empty(),
        Value::Object(_) if is_amount(value) => true,
        Value::Object(map) => map.iter().any(|(key, value)| {
            let asks = PARTS.contains(&key.as_str())
                || super::INNER.contains(&key.as_str())
                || (Name::of(key).is_some() && !matches!(value, Value::Object(_)));
            asks && asks_of_part(value)
        }),
        Value::Null | Value::Bool(false) => false,
    }
}

fn asks_of_part(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(true) | Value::String(_) | Value::Number(_) => true,
    }
}

/// A number, or a number for each currency.
fn is_amount(value: &Value) -> bool {
    value.is_number()
        || value.as_object().is_some_and(|map| {
            let of_currency =
                |(key, value): (&String, &Value)| is_currency(key) && value.is_number();
            !map.is_empty() && map.iter().all(of_currency)
        })
}

fn is_currency(key: &str) -> bool {
    key.len() == 3 && key.bytes().all(|b| b.is_ascii_uppercase())
}
