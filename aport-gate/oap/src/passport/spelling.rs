//! The limits of one capability, wherever a passport spells them: under a flat key, nested, in between, or one by
//! one under longer dotted keys.

use crate::check::field;
use serde_json::{Map, Value};

/// Most places in which one capability's limits are looked for.
pub(crate) const MOST: usize = 16;

/// One place with limits of a capability.
#[derive(Debug)]
pub(crate) struct Spelling<'p> {
    /// Keys that lead there from `limits`.
    pub(crate) path: Vec<&'p str>,
    pub(crate) says: Says<'p>,
}

/// What stands there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says<'p> {
    /// Limits by name.
    All(&'p Map<String, Value>),
    /// One limit: the names to it, joined by dots, and what it is.
    One(&'p str, &'p Value),
}

/// Every spelling of the limits of `capability`, in the order in which they are looked up: flat, nested, others, and
/// then those of one limit each. Never more than one over [`MOST`].
pub(crate) fn spellings<'p>(limits: &'p Map<String, Value>, capability: &str) -> Vec<Spelling<'p>> {
    let mut found = Vec::new();
    walk(limits, capability, &mut Vec::new(), &mut found);
    let whole = capability.split('.').count();
    found.sort_by_key(|spelling| {
        let steps = spelling.path.len();
        let one = matches!(spelling.says, Says::One(..));
        (one, steps != 1 && steps != whole, steps)
    });
    found
}

fn walk<'p>(
    limits: &'p Map<String, Value>,
    rest: &str,
    path: &mut Vec<&'p str>,
    found: &mut Vec<Spelling<'p>>,
) {
    let mut one = |path: &[&'p str], name, value| {
        if found.len() <= MOST {
            let (path, says) = (path.to_vec(), Says::One(name, value));
            found.push(Spelling { path, says });
        }
    };
    let mut inner = Vec::new();
    for (key, value) in limits {
        path.push(key);
        if let Some(name) = below(key, rest) {
            one(path, name, value);
        } else if let Some(all) = value.as_object() {
            if key == rest {
                for (name, value) in all.iter().filter(|(name, _)| is_dotted(name)) {
                    path.push(name);
                    one(path, name, value);
                    path.pop();
                }
                inner.push((path.clone(), all, None));
            } else if let Some(left) = below(rest, key) {
                inner.push((path.clone(), all, Some(left)));
            }
        }
        path.pop();
    }
    for (mut path, all, left) in inner {
        match left {
            Some(left) => walk(all, left, &mut path, found),
            None if found.len() <= MOST => found.push(Spelling {
                path,
                says: Says::All(all),
            }),
            None => {}
        }
    }
}

/// What is left of a dotted name after its first names.
fn below<'n>(name: &'n str, first: &str) -> Option<&'n str> {
    let left = name.strip_prefix(first)?.strip_prefix('.')?;
    (!first.is_empty() && !left.is_empty()).then_some(left)
}

fn is_dotted(name: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(first, rest)| !first.is_empty() && !rest.is_empty())
}

/// Whether limits may be spelled in more than one way, or in an unusual one, under any pack. Says so too often rather
/// than too seldom: it only saves the search.
pub(crate) fn may_vary(limits: &Map<String, Value>, capabilities: &[String]) -> bool {
    limits.iter().any(|(key, value)| {
        let Value::Object(inner) = value else {
            return is_dotted(key);
        };
        if !is_dotted(key) {
            return has_dotted(inner);
        }
        let above = |(at, _): (usize, &str)| {
            key.get(..at)
                .is_some_and(|first| limits.contains_key(first))
        };
        !capabilities.contains(key)
            || key.match_indices('.').any(above)
            || inner.keys().any(|name| is_dotted(name))
    })
}

fn has_dotted(limits: &Map<String, Value>) -> bool {
    limits
        .iter()
        .any(|(key, value)| is_dotted(key) || value.as_object().is_some_and(has_dotted))
}

/// A path from `limits`, as people write it: `limits["a.b"].c`.
pub(crate) fn place(path: &[&str]) -> String {
    path.iter()
        .fold("limits".to_owned(), |place, key| field(&place, key))
}
