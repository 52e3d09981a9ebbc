//! Counters of one kind of call: `daily_merge_count` of a pack whose `action` is one of several. The name of a counter
//! that the pack does not declare says what it counts; where a field of the context tells the kinds apart and the
//! limit it is held against says the same, other kinds neither use it up nor are held against it.

use super::{Body, Pack};
use crate::condition::ast::{Expr, Operator, Root};
use crate::counter::Counter;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Fields that tell what kind of call it is.
const FIELDS: [&str; 2] = ["action", "operation"];

/// Calls of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallKind {
    pub(crate) field: &'static str,
    /// Values of the field that are of this kind.
    pub(crate) of: Vec<String>,
    /// All other values that the pack knows.
    others: Vec<String>,
}

impl CallKind {
    /// Whether the call is known to be of another kind. One that is not known at all counts everywhere.
    pub(crate) fn excludes(&self, context: &Map<String, Value>) -> bool {
        let value = context.get(self.field).and_then(Value::as_str);
        value.is_some_and(|value| self.others.iter().any(|other| other == value))
    }
}

impl Pack {
    /// What a counter that the pack does not declare counts, where there are several kinds of call.
    pub(crate) fn counted_in_words(&self, counter: usize) -> Option<String> {
        let known = self.counters.get(counter)?;
        if counter < self.undeclared_from || known.of.is_some() {
            return None;
        }
        match self.counted_kind(counter) {
            Some(CallKind { field, of, .. }) => {
                let of = of.join("` or `");
                Some(format!("it counts calls whose `{field}` is `{of}`"))
            }
            None => {
                let mut fields = FIELDS.iter();
                let several = fields.any(|field| self.declares_field(field));
                several.then(|| "it counts all calls under this pack".to_owned())
            }
        }
    }

    /// Finds the kinds of all counters from `declared` on, and the rules that are about one of them alone.
    pub(super) fn bind_kinds(&mut self, declared: usize) {
        self.undeclared_from = declared;
        let own = self.counters.iter().enumerate().skip(declared);
        self.kinds = own
            .filter_map(|(at, counter)| Some((at, Arc::new(self.kind_of(counter)?))))
            .collect();
        for rule in &mut self.rules {
            let Body::Condition(condition) = &rule.body else {
                continue;
            };
            let kind = self.kinds.iter().find(|(at, _)| {
                let counter = self.counters.get(*at);
                counter.is_some_and(|counter| names(&condition.0, &counter.name))
            });
            rule.only_for = kind.map(|(_, kind)| Arc::clone(kind));
        }
    }

    fn kind_of(&self, counter: &Counter) -> Option<CallKind> {
        if counter.of.is_some() || !counter.by.is_empty() {
            return None;
        }
        let what = what(&counter.name)?;
        let mut about = self.rules.iter().filter_map(|rule| match &rule.body {
            Body::Condition(condition) if names(&condition.0, &counter.name) => Some(&condition.0),
            _ => None,
        });
        // A rule that says anything else besides has to hold for every call.
        if !about.all(|condition| is_cap(condition, &counter.name, what)) {
            return None;
        }
        let properties = self.required_context()?.get("properties")?;
        let (field, values) = FIELDS.iter().find_map(|field| {
            let values = properties.get(*field)?.get("enum")?.as_array()?;
            Some((*field, values))
        })?;
        let values: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
        let is_of = |value: &&str| parts(value).any(|part| part.eq_ignore_ascii_case(what));
        let (of, others): (Vec<&str>, Vec<&str>) = values?.into_iter().partition(is_of);
        let owned = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect();
        (!of.is_empty() && !others.is_empty()).then(|| CallKind {
            field,
            of: owned(of),
            others: owned(others),
        })
    }
}

/// `merge` of `daily_merge_count`, where it is one word.
fn what(counter: &str) -> Option<&str> {
    let stem = counter
        .rsplit_once("_per_")
        .map_or(counter, |(stem, _)| stem);
    let stem = ["daily_", "hourly_", "minute_"]
        .iter()
        .find_map(|window| stem.strip_prefix(window))
        .unwrap_or(stem);
    let word = stem.strip_suffix("_count")?;
    (!word.is_empty() && !word.contains('_')).then_some(word)
}

fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric())
}

/// Whether the condition is nothing but `counter < limits.max_…`, with a limit of the same name.
fn is_cap(condition: &Expr, counter: &str, what: &str) -> bool {
    let Expr::Binary(operator, a, b) = condition else {
        return false;
    };
    let (used, limit) = match operator {
        Operator::Less | Operator::LessEqual => (a, b),
        Operator::Greater | Operator::GreaterEqual => (b, a),
        _ => return false,
    };
    let says_so =
        |name: &str| parts(name).any(|part| part == what || part.strip_suffix('s') == Some(what));
    matches!(&**used, Expr::Name(name) if name == counter)
        && matches!(&**limit, Expr::Field(of, name) if matches!(**of, Expr::Root(Root::Limits)) && says_so(name))
}

fn names(condition: &Expr, counter: &str) -> bool {
    let mut found = false;
    condition.walk(&mut |part| found |= matches!(part, Expr::Name(name) if name == counter));
    found
}
