//! One case: what is asked.

use aport_gate_oap::{AgentId, Pack, Usage, UsagePlan};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::vectors::Document;
use crate::cli::failure::Failure;

/// Keys that an object with a `context` may have besides, and what people label cases with or write to each other.
/// Expectations may stand in the same file.
const KEYS: [&str; 21] = [
    "name",
    "overridePassport",
    "override_passport",
    "tool",
    "now",
    "usage",
    "expected",
    "expect",
    "decision",
    "description",
    "comment",
    "comments",
    "note",
    "notes",
    "id",
    "title",
    "tags",
    "category",
    "pack",
    "policy",
    "policy_id",
];

/// One case.
pub(super) struct Case {
    /// Its name, or its place for want of one.
    pub(super) name: String,
    /// The name it is paired by.
    pub(super) given_name: Option<String>,
    pub(super) place: String,
    pub(super) context: Map<String, Value>,
    pub(super) overrides: Option<Map<String, Value>>,
    pub(super) tool: Option<String>,
    pub(super) now: Option<Timestamp>,
    usage: Map<String, Value>,
}

impl Case {
    pub(super) fn parse(document: Document, pack: &Pack) -> Result<Self, Failure> {
        let Document {
            value,
            place,
            named,
        } = document;
        let malformed = |problem: &str| Failure::new(format!("case at {place}: {problem}"));
        let Value::Object(mut line) = value else {
            return Err(malformed("it must be an object"));
        };
        let given = ["overridePassport", "override_passport"]
            .into_iter()
            .find_map(|key| line.remove(key));
        let overrides = match given {
            None | Some(Value::Null) => None,
            Some(Value::Object(overrides)) => Some(overrides),
            Some(_) => return Err(malformed("`overridePassport` must be an object")),
        };
        let name = line.get("name").and_then(|name| match name {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        let (mut context, mut rest, name) = match line.remove("context") {
            Some(Value::Object(context)) => {
                // What is dropped without a word would leave a case that tests less than it says.
                let known =
                    |key: &String| KEYS.contains(&key.as_str()) || key.starts_with(['$', '_']);
                if let Some(key) = line.keys().find(|key| !known(key)) {
                    return Err(malformed(&format!("`{key}` is no key of a case")).hint(
                        "a case has `context` and may have `name`, `overridePassport`, `tool`, `now`, `usage` and \
                         `description`; fields of the context stand inside `context`",
                    ));
                }
                (context, line, name)
            }
            Some(other) if !declares(pack, "context") => {
                drop(other);
                return Err(malformed("`context` must be an object"));
            }
            // The line itself is the context. A `name` that the pack knows is a field of it.
            other => {
                if let Some(other) = other {
                    line.insert("context".to_owned(), other);
                }
                let name = name.filter(|_| !declares(pack, "name"));
                if name.is_some() {
                    line.remove("name");
                }
                if let Some(key) = line
                    .iter()
                    .find_map(|(key, value)| of_case(key, value, pack))
                {
                    return Err(malformed(&format!(
                        "`{key}` is taken for a field of the context, which the pack does not know"
                    ))
                    .hint("put the fields of the context inside `context`, and `overridePassport` or `usage` beside it"));
                }
                (line, Map::new(), name)
            }
        };
        // As a gated tool has it: `null` is the same as leaving a field out.
        context.retain(|_, value| !value.is_null());
        let given_name = name.or(named);
        let tool = match rest.remove("tool") {
            None | Some(Value::Null) => None,
            Some(Value::String(tool)) => Some(tool),
            Some(_) => return Err(malformed("`tool` must be a string")),
        };
        let now = match rest.remove("now") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(
                text.parse()
                    .map_err(|error| malformed(&format!("`now` is no RFC 3339 time: {error}")))?,
            ),
            Some(_) => return Err(malformed("`now` must be a string in RFC 3339 form")),
        };
        let usage = match rest.remove("usage") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(usage)) => usage,
            Some(_) => return Err(malformed("`usage` must be an object")),
        };
        Ok(Self {
            name: given_name.clone().unwrap_or_else(|| place.clone()),
            given_name,
            place,
            context,
            overrides,
            tool,
            now,
            usage,
        })
    }

    /// The context as a gate would hand it over: with the ids, unless the pack refuses them.
    pub(super) fn context_for(&self, pack: &Pack, agent: &AgentId) -> Map<String, Value> {
        let mut context = self.context.clone();
        let closed = pack
            .required_context()
            .and_then(|schema| schema.get("additionalProperties"))
            .is_some_and(|more| *more == Value::Bool(false));
        for (field, id) in [
            ("agent_id", agent.as_str()),
            ("policy_id", pack.id().as_str()),
        ] {
            if !context.contains_key(field) && (!closed || declares(pack, field)) {
                context.insert(field.to_owned(), id.into());
            }
        }
        context
    }

    /// Published vectors tell what was used before in fields of the context that are named like the
    /// counters. A server never believes such a field; the author of a test is not an agent.
    fn usage_in_context(&self, plan: &UsagePlan) -> Usage {
        let mut usage = Usage::default();
        for key in &plan.counters {
            let used = self.context.get(&key.counter);
            let of_key = used.and_then(|used| used.get(&key.key)).or(used);
            if let Some(used) = of_key.and_then(Value::as_i64).filter(|used| *used >= 0) {
                usage.counters.insert(key.clone(), used);
            }
        }
        if let Some(keys) = self.context.get("recent_keys").and_then(Value::as_array) {
            usage.key_seen = seen(keys, plan);
        }
        usage
    }

    /// What the ledger would have read: nothing but what the case itself says.
    pub(super) fn usage(&self, pack: &Pack, plan: &UsagePlan) -> Result<Usage, Failure> {
        let mut usage = self.usage_in_context(plan);
        for (name, used) in &self.usage {
            let malformed = |expected: &str| {
                Failure::new(format!(
                    "case at {}: `usage.{name}` must be {expected}",
                    self.place
                ))
            };
            if name == "recent_keys" {
                let keys = used
                    .as_array()
                    .ok_or_else(|| malformed("a list of idempotency keys"))?;
                usage.key_seen = seen(keys, plan);
                continue;
            }
            let mut known = plan
                .counters
                .iter()
                .filter(|key| key.counter == *name)
                .peekable();
            // One that other kinds of call read tells nothing about this one.
            if known.peek().is_none() && !pack.has_counter(name) {
                return Err(malformed("the name of a counter of the pack"));
            }
            for key in known {
                let used = match used {
                    Value::Object(by_key) => by_key.get(&key.key).unwrap_or(&Value::Null),
                    one => one,
                };
                match used {
                    Value::Null => {}
                    used => {
                        let used = used.as_i64().filter(|used| *used >= 0).ok_or_else(|| {
                            malformed("a whole number, or an object of them by key")
                        })?;
                        usage.counters.insert(key.clone(), used);
                    }
                }
            }
        }
        Ok(usage)
    }
}

/// Whether the key that the plan asks about is among these.
fn seen(keys: &[Value], plan: &UsagePlan) -> bool {
    let key = plan.idempotency_key.as_deref();
    key.is_some() && keys.iter().any(|one| one.as_str() == key)
}

/// A key of a case that stands among the fields of a context.
fn of_case<'k>(key: &'k str, value: &Value, pack: &Pack) -> Option<&'k str> {
    let letters: String = key.chars().filter(|c| c.is_alphanumeric()).collect();
    let is_override = letters.eq_ignore_ascii_case("overridePassport")
        || letters.eq_ignore_ascii_case("overridesPassport")
        || letters.eq_ignore_ascii_case("passportOverride");
    let is_usage = key == "usage" && value.is_object();
    ((is_override || is_usage) && !declares(pack, key)).then_some(key)
}

fn declares(pack: &Pack, field: &str) -> bool {
    pack.required_context()
        .and_then(|schema| schema.get("properties")?.get(field))
        .is_some()
}
