//! Counters as one request sees them.

use super::{Counter, CounterUse};
use crate::condition::evaluator::{Evaluator, Scene};
use crate::condition::program::Program;
use crate::condition::value::Val;
use crate::json::whole;
use crate::{CounterKey, Usage, Window};
use std::borrow::Cow;

/// A counter as one request sees it.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) counter: usize,
    pub(crate) indexed: bool,
    name: &'a str,
    window: Window,
    bounds: (i64, i64),
    pub(crate) key: Result<Cow<'a, str>, Unreadable>,
    pub(crate) used: i64,
}

/// Why a counter has no key under this context.
#[derive(Clone, Debug)]
pub(crate) enum Unreadable {
    Absent,
    Malformed(String),
}

impl Reading<'_> {
    /// What the ledger calls it.
    pub(crate) fn counter_key(&self) -> Option<CounterKey> {
        Some(CounterKey {
            counter: self.name.to_owned(),
            key: self.key.as_deref().ok()?.to_owned(),
            window: self.window,
            window_start: self.bounds.0,
            window_end: self.bounds.1,
        })
    }

    /// Whether this is what the ledger calls so.
    pub(crate) fn is(&self, known: &CounterKey) -> bool {
        self.key.as_deref().is_ok_and(|key| key == known.key)
            && self.name == known.counter
            && self.window == known.window
            && self.bounds == (known.window_start, known.window_end)
    }

    fn used(&self, usage: &Usage) -> i64 {
        // Most packs have one or two counters. Comparing them costs less than hashing one.
        let found = if usage.counters.len() <= 4 {
            let mut entries = usage.counters.iter();
            entries
                .find(|(known, _)| self.is(known))
                .map(|(_, used)| used)
        } else {
            self.counter_key().and_then(|key| usage.counters.get(&key))
        };
        found.copied().unwrap_or(0)
    }
}

/// The counters that a request touches, each with what was used of it.
pub(crate) fn readings<'a>(scene: Scene<'a>, usage: Option<&Usage>) -> Vec<Reading<'a>> {
    scene
        .pack
        .counter_uses()
        .filter_map(|(found, program)| {
            let counter = scene.pack.counters().get(found.counter)?;
            let kind = scene.pack.counted_kind(found.counter);
            if kind.is_some_and(|kind| kind.excludes(scene.context))
                || found
                    .validator
                    .is_some_and(|validator| !validator.counts(scene, counter))
            {
                return None;
            }
            let mut reading = Reading {
                counter: found.counter,
                indexed: found.index.is_some(),
                name: &counter.name,
                window: counter.window,
                bounds: counter.window.bounds(scene.now),
                key: key(scene, counter, found, program),
                used: 0,
            };
            if let Some(usage) = usage {
                let claimed = claimed(scene, &reading).unwrap_or_default();
                reading.used = reading.used(usage).max(claimed);
            }
            Some(reading)
        })
        .collect()
}

/// What the context says was used: of the counter, or of its key. Whoever says it, it can only speak against the
/// call; the ledger's own number stands beside it.
fn claimed(scene: Scene<'_>, reading: &Reading<'_>) -> Option<i64> {
    let value = scene.field(reading.name)?;
    let of_key = || value.as_object()?.get(reading.key.as_deref().ok()?);
    let number = value.as_number().or_else(|| of_key()?.as_number())?;
    i64::try_from(whole(number)?).ok()
}

fn key<'a>(
    scene: Scene<'a>,
    counter: &'a Counter,
    found: &'a CounterUse,
    program: Option<&'a Program>,
) -> Result<Cow<'a, str>, Unreadable> {
    let malformed = |what: &str| {
        let name = &counter.name;
        Unreadable::Malformed(format!(
            "counter `{name}` is split by {what}, which must be a string"
        ))
    };
    if let (Some(index), Some(program)) = (&found.index, program) {
        let value = program
            .eval(&mut Evaluator::new(scene))
            .map_err(|fault| Unreadable::Malformed(fault.to_string()))?;
        if value.absence().is_some() {
            return Err(Unreadable::Absent);
        }
        return key_part(value).ok_or_else(|| malformed(&format!("`{index}`")));
    }
    let part = |field: &String| {
        // Never an empty key in place of an absent field: leaving it out would open a fresh cap.
        let value = scene.field(field).ok_or(Unreadable::Absent)?;
        key_part(Val::from_json(value)).ok_or_else(|| malformed(&format!("`{field}`")))
    };
    if let [field] = counter.by.as_slice() {
        return part(field);
    }
    let mut key = String::new();
    for (at, field) in counter.by.iter().enumerate() {
        key.push_str(if at == 0 { "" } else { "|" });
        key.push_str(&part(field)?);
    }
    Ok(key.into())
}

/// A key part, escaped so that `a|b` and `c` never join to the key of `a` and `b|c`.
pub(crate) fn key_part(value: Val<'_>) -> Option<Cow<'_, str>> {
    match value {
        Val::Str(text) if !text.contains(['\\', '|']) => Some(text),
        Val::Str(text) => Some(text.replace('\\', "\\\\").replace('|', "\\|").into()),
        Val::Int(int) => Some(int.to_string().into()),
        _ => None,
    }
}
