//! What a passport's limits are to packs: limits that no rule reads, and limits of another type than rules need.

use super::position::field;
use super::{Document, Severity, meant};
use crate::condition::uses::{BY_CURRENCY, Expected, LimitUse, Step};
use crate::pack::Body;
use crate::passport::alias;
use crate::passport::spelling::{Says, place, spellings};
use crate::{Pack, Passport, approval};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most findings of each sort.
const MOST: usize = 50;

/// One limit of the passport, and what the packs make of it.
#[derive(Default)]
struct Seen {
    read: bool,
    packs: Vec<String>,
    /// What it should have been.
    wrong: Option<(String, Expected, &'static str)>,
    near: Option<String>,
}

type All = BTreeMap<String, Seen>;

/// Where a value stands: its path in the document, and the steps to it that conditions may name.
struct At<'p> {
    path: String,
    value: &'p Value,
    steps: Vec<Vec<&'p str>>,
}

pub(super) fn report(passport: &Passport, packs: &[&Pack], document: &mut Document<'_>) {
    let none = Map::new();
    let limits = passport.limits().unwrap_or(&none);
    let mut all = All::new();
    for pack in packs.iter().filter(|pack| concerns(pack, passport)) {
        for scope in pack.limit_scopes() {
            let parts: Vec<&str> = scope.split('.').collect();
            for spelling in spellings(limits, scope) {
                match spelling.says {
                    Says::All(map) => {
                        for (name, value) in map {
                            let whole = parts.iter().copied().chain([name.as_str()]).collect();
                            let path = field(&place(&spelling.path), name);
                            let steps = vec![vec![name.as_str()], whole];
                            look(&At { path, value, steps }, pack, &mut all);
                        }
                    }
                    Says::One(name, value) => {
                        let steps: Vec<&str> = name.split('.').collect();
                        let whole = parts.iter().copied().chain(steps.iter().copied()).collect();
                        let path = place(&spelling.path);
                        look(
                            &At {
                                path,
                                value,
                                steps: vec![steps, whole],
                            },
                            pack,
                            &mut all,
                        );
                    }
                }
            }
        }
        // At the root, objects may be those of other capabilities.
        for (name, value) in limits
            .iter()
            .filter(|(name, value)| !name.contains('.') && !value.is_object())
        {
            let steps = vec![vec![name.as_str()]];
            look(
                &At {
                    path: field("limits", name),
                    value,
                    steps,
                },
                pack,
                &mut all,
            );
        }
    }
    tell(all, document);
}

fn tell(all: All, document: &mut Document<'_>) {
    let mut unread = 0;
    for (path, seen) in all {
        if let Some((pack, expected, found)) = seen.wrong {
            let message = format!(
                "must be {}, found {found}: the rules of `{pack}` that read it refuse every call",
                expected.words()
            );
            document.push(Severity::Error, &path, message);
        } else if !seen.read && unread < MOST {
            unread += 1;
            let near = seen.near.map(|near| format!("; did you mean `{near}`?"));
            let message = format!(
                "no rule of `{}` reads it, so it limits nothing{}",
                seen.packs.join("`, `"),
                near.unwrap_or_default()
            );
            document.warning(&path, message);
        }
    }
}

/// Whether the passport holds a capability that the pack asks for.
fn concerns(pack: &Pack, passport: &Passport) -> bool {
    let mut named = pack.requires_capabilities().iter().flatten();
    named.any(|capability| passport.has_capability(capability))
}

/// Looks at a limit and at what lies below it.
fn look(at: &At<'_>, pack: &Pack, all: &mut All) {
    if at.value.is_null() || all.len() > 10 * MOST {
        return;
    }
    let uses = pack.limit_uses();
    let meets = |used: &LimitUse| {
        at.steps.iter().any(|steps| {
            leads(&used.steps, steps) && (used.whole || used.steps.len() >= steps.len())
        })
    };
    let fits = |used: &&LimitUse| {
        let same = |steps: &Vec<&str>| steps.len() == used.steps.len();
        meets(used)
            && at
                .steps
                .iter()
                .any(|steps| same(steps) && leads(&used.steps, steps))
    };
    let mut exact = uses.iter().filter(fits);
    let wrong = exact.clone().find_map(|used| {
        let is_table = last(&used.steps) == Some(BY_CURRENCY) && at.value.is_object();
        let expected = used
            .expected
            .filter(|expected| *expected != Expected::List || !is_table)?;
        Some((expected, mistaken(expected, at.value)?))
    });
    let whole = exact.any(|used| used.whole);
    let by_other =
        matches!(at.steps.first().map(Vec::as_slice), Some([name]) if is_read(name, pack));
    let below = uses.iter().any(meets);
    if let (Value::Object(map), true, false) = (at.value, below, whole || by_other) {
        for (name, value) in map {
            let further = |steps: &Vec<_>| steps.iter().copied().chain([name.as_str()]).collect();
            let steps = at.steps.iter().map(further).collect();
            look(
                &At {
                    path: field(&at.path, name),
                    value,
                    steps,
                },
                pack,
                all,
            );
        }
        return;
    }
    let seen = all.entry(at.path.clone()).or_default();
    seen.read |= whole || by_other || below;
    if !seen.read {
        let known: Vec<&str> = uses.iter().filter_map(|used| last(&used.steps)).collect();
        let name = at.steps.first().and_then(|steps| steps.last().copied());
        let near = name.and_then(|name| meant(name, &known));
        seen.near = seen.near.take().or(near.map(str::to_owned));
    }
    let id = pack.id().to_string();
    if let Some((expected, found)) = wrong {
        seen.wrong.get_or_insert((id.clone(), expected, found));
    }
    if !seen.packs.contains(&id) {
        seen.packs.push(id);
    }
}

/// Whether a use starts with these steps, or they with it.
fn leads(used: &[Step], steps: &[&str]) -> bool {
    used.iter().zip(steps).all(|(used, step)| match used {
        Step::Name(name) => name == step || alias::of(name) == Some(*step),
        Step::Any(_) => true,
    })
}

fn last(steps: &[Step]) -> Option<&str> {
    match steps.last()? {
        Step::Name(name) => Some(name),
        Step::Any(_) => None,
    }
}

/// Whether a validator or a stage besides the rules reads a limit of this name.
fn is_read(name: &str, pack: &Pack) -> bool {
    let by_validator = pack
        .rules()
        .iter()
        .any(|rule| matches!(&rule.body, Body::Validator(one) if one.reads_limit(name)));
    let currencies = || {
        name == "currency_limits"
            && pack.limit_uses().iter().any(|used| {
                matches!(used.steps.first(), Some(Step::Name(name)) if name == "supported_currencies")
            })
    };
    by_validator || approval::reads_limit(name) || currencies()
}

/// What the value is, where it is not what was expected.
fn mistaken(expected: Expected, value: &Value) -> Option<&'static str> {
    let fits = match expected {
        Expected::Flag => value.is_boolean(),
        Expected::List => value.is_array(),
        Expected::Number => value.is_number(),
    };
    (!fits).then_some(match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    })
}
