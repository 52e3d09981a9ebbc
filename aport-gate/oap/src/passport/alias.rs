//! Limits that go by two names. Passports and packs of the published material differ. Where a passport sets both, a
//! call has to be within each.

use serde_json::{Map, Value};

pub(crate) const PAIRS: [(&str, &str); 2] = [
    ("refund_reason_codes", "reason_codes"),
    ("max_export_rows", "max_rows"),
];

/// The other name of a limit.
pub(crate) fn of(name: &str) -> Option<&'static str> {
    PAIRS.iter().find_map(|(one, other)| match name {
        _ if name == *one => Some(*other),
        _ if name == *other => Some(*one),
        _ => None,
    })
}

/// Whether both names of a limit are there, in one place or in two.
pub(crate) fn are_both_in(limits: &Map<String, Value>) -> bool {
    PAIRS
        .iter()
        .any(|(one, other)| has(limits, one) && has(limits, other))
}

fn has(limits: &Map<String, Value>, name: &str) -> bool {
    limits.contains_key(name)
        || limits
            .values()
            .filter_map(Value::as_object)
            .any(|inner| has(inner, name))
}

/// The limits as each of two names has them, with the name. None where no limit is there by both.
pub(crate) fn readings(limits: &Map<String, Value>) -> Vec<(&'static str, Map<String, Value>)> {
    let mut all: Vec<(&str, Map<String, Value>)> = Vec::new();
    for (one, other) in PAIRS {
        if !has(limits, one) || !has(limits, other) {
            continue;
        }
        let before = match all.is_empty() {
            true => vec![limits.clone()],
            false => std::mem::take(&mut all)
                .into_iter()
                .map(|(_, limits)| limits)
                .collect(),
        };
        for limits in before {
            for (kept, left) in [(one, other), (other, one)] {
                let mut limits = limits.clone();
                unite(&mut limits, kept, left);
                all.push((kept, limits));
            }
        }
    }
    all
}

/// Gives both names the value of `kept`; where only one of them stands, its own, so that the nearer place decides.
fn unite(limits: &mut Map<String, Value>, kept: &str, left: &str) {
    if let Some(value) = limits.get(kept).or_else(|| limits.get(left)).cloned() {
        limits.insert(kept.to_owned(), value.clone());
        limits.insert(left.to_owned(), value);
    }
    for inner in limits.values_mut().filter_map(Value::as_object_mut) {
        unite(inner, kept, left);
    }
}
