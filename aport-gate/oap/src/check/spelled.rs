//! Limits that a passport spells in several ways. A call has to be within each, which is seldom what somebody meant
//! who changed one of them.

use super::Document;
use super::position::field;
use crate::passport::alias;
use crate::passport::spelling::{Says, place, spellings};
use crate::reason::shown;
use crate::spelled::OWN_PARAMETERS;
use serde_json::{Map, Value};

/// Most findings about one capability.
const MOST: usize = 20;

/// Most capabilities, and most limits of others, that are held against all limits.
const MOST_LOOKED_AT: usize = 200;

pub(super) fn report(map: &Map<String, Value>, document: &mut Document<'_>) {
    let none = Map::new();
    let limits = map.get("limits").and_then(Value::as_object);
    let limits = limits.unwrap_or(&none);
    let held = map.get("capabilities").and_then(Value::as_array);
    if let Some(more @ 1..) = held.and_then(|held| held.len().checked_sub(MOST_LOOKED_AT)) {
        let message =
            format!("whether the limits of the last {more} capabilities differ is not looked at");
        document.warning("capabilities", message);
    }
    let held = held.into_iter().flatten().take(MOST_LOOKED_AT).enumerate();
    let mut seen: Vec<&str> = Vec::new();
    for (at, capability) in held {
        let id = capability
            .as_str()
            .or_else(|| capability.get("id")?.as_str());
        let Some(id) = id.filter(|id| !seen.contains(id)) else {
            continue;
        };
        seen.push(id);
        let base = of_capability(limits, id, document);
        let params = capability.get("params").and_then(Value::as_object);
        for (name, value) in params.into_iter().flatten().take(MOST) {
            let path = field(&format!("capabilities[{at}].params"), name);
            parameter(&path, (name.as_str(), value), base.as_ref(), document);
        }
    }
    // Limits of a pack stand under its name, too.
    let covered = |key: &str| {
        let above = |one: &&str| {
            key.strip_prefix(*one)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        seen.contains(&key) || seen.iter().any(above)
    };
    let others: Vec<&String> = limits
        .iter()
        .filter(|(key, value)| key.contains('.') && value.is_object() && !covered(key))
        .take(MOST_LOOKED_AT)
        .map(|(key, _)| key)
        .collect();
    for other in others {
        of_capability(limits, other, document);
    }
    named_twice(limits, "limits", document);
}

/// One limit by two names in one place.
fn named_twice(limits: &Map<String, Value>, at: &str, document: &mut Document<'_>) {
    for (one, other) in alias::PAIRS {
        if let (Some(first), Some(second)) = (limits.get(one), limits.get(other))
            && first != second
        {
            let message = format!(
                "one limit by two names: {} here, {} as `{one}`; a call has to be within both, so keep one",
                shown(second),
                shown(first)
            );
            document.warning(&field(at, other), message);
        }
    }
    for (name, inner) in limits {
        if let Some(inner) = inner.as_object() {
            named_twice(inner, &field(at, name), document);
        }
    }
}

/// Reports what differs, and returns the spelling that others are held against, with its place.
fn of_capability<'p>(
    limits: &'p Map<String, Value>,
    id: &str,
    document: &mut Document<'_>,
) -> Option<(String, &'p Map<String, Value>)> {
    let found = spellings(limits, id);
    let base = found.iter().find_map(|one| match one.says {
        Says::All(all) => Some((place(&one.path), all)),
        Says::One(..) => None,
    });
    let (base_place, base_limits) = base.as_ref()?;
    let mut differences = Vec::new();
    for one in &found {
        let here = place(&one.path);
        match one.says {
            Says::All(all) if here != *base_place => {
                for (name, value) in all {
                    if let Some(known) = base_limits.get(name) {
                        let (here, there) = (field(&here, name), field(base_place, name));
                        differing(
                            (here.as_str(), value),
                            (there.as_str(), known),
                            &mut differences,
                        );
                    }
                }
            }
            Says::All(_) => {}
            Says::One(name, value) => {
                let there = name
                    .split('.')
                    .fold(base_place.clone(), |at, name| field(&at, name));
                let mut names = name.split('.');
                let known = names.next().and_then(|first| base_limits.get(first));
                match names.try_fold(known, |at, name| Some(at?.get(name))).flatten() {
                    Some(known) => differing((here.as_str(), value), (there.as_str(), known), &mut differences),
                    None => differences.push((
                        here,
                        format!("the limits are at `{base_place}`, where this one is not: a call has to pass with it and without it; write it there"),
                    )),
                }
            }
        }
    }
    for (path, message) in differences.into_iter().take(MOST) {
        document.warning(&path, message);
    }
    base
}

/// The innermost values that are not the same in two spellings.
fn differing(here: (&str, &Value), there: (&str, &Value), found: &mut Vec<(String, String)>) {
    if here.1 == there.1 || found.len() >= MOST {
        return;
    }
    if let (Value::Object(one), Value::Object(other)) = (here.1, there.1)
        && one.keys().all(|name| other.contains_key(name))
    {
        for (name, value) in one {
            if let Some(known) = other.get(name) {
                let (at, known_at) = (field(here.0, name), field(there.0, name));
                differing((at.as_str(), value), (known_at.as_str(), known), found);
            }
        }
        if one.len() == other.len() {
            return;
        }
    }
    let message = format!(
        "one limit in two spellings: {} here, {} at `{}`; a call has to be within both, so keep one",
        shown(here.1),
        shown(there.1),
        there.0
    );
    found.push((here.0.to_owned(), message));
}

/// A parameter beside the limits of its capability.
fn parameter(
    path: &str,
    (name, value): (&str, &Value),
    base: Option<&(String, &Map<String, Value>)>,
    document: &mut Document<'_>,
) {
    if OWN_PARAMETERS.contains(&name) || value.is_null() {
        return;
    }
    let Some((place, limits)) = base else { return };
    if let Some(known) = limits.get(name) {
        let mut found = Vec::new();
        let there = field(place, name);
        differing((path, value), (there.as_str(), known), &mut found);
        for (path, message) in found {
            document.warning(&path, message);
        }
        return;
    }
    let mut deeper = Vec::new();
    for (key, inner) in *limits {
        under(name, inner, &field(place, key), &mut deeper);
    }
    if let Some((at, known)) = deeper.first() {
        let message = format!(
            "`{name}` has no effect on `{at}`, which is {}: a parameter counts as the limit of its name directly under the capability; change that limit, or set `max_amount`",
            shown(known)
        );
        document.warning(path, message);
    }
}

fn under<'v>(name: &str, value: &'v Value, at: &str, found: &mut Vec<(String, &'v Value)>) {
    for (key, inner) in value.as_object().into_iter().flatten() {
        let at = field(at, key);
        if key == name {
            found.push((at, inner));
        } else {
            under(name, inner, &at, found);
        }
    }
}
