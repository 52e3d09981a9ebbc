//! A pack that does not load, with what keeps it from loading replaced, so that the rest of it can be looked at in the
//! same go. Positions of rules stay what they are. It is never decided by.

use crate::condition::fields::FieldNames;
use crate::pack::{read, rule_of, tiers};
use crate::schema::{Schema, bounded};
use crate::{AssuranceLevel, Pack, PackId};
use serde_json::{Map, Value, json};

/// Types that a schema may name.
const TYPES: [&str; 7] = [
    "string", "integer", "number", "boolean", "array", "object", "null",
];

/// None where mending does not help.
pub(super) fn pack(map: &Map<String, Value>) -> Option<Pack> {
    let mut mended = map.clone();
    let mut set = |key: &str, value: Value| {
        mended.insert(key.to_owned(), value);
    };
    let text = |key: &str| read::optional_text(map, key, key).ok().flatten();
    if text("id").is_none_or(|id| PackId::parse(id).is_err()) {
        set("id", json!("mended.for.check.v1"));
    }
    for key in ["name", "min_assurance", "absent"] {
        let read = match key {
            "absent" => read::absent(map).is_ok(),
            _ => read::optional_text(map, key, key).is_ok(),
        };
        if !read {
            set(key, Value::Null);
        }
    }
    if text("min_assurance").is_some_and(|level| AssuranceLevel::parse(level).is_err()) {
        set("min_assurance", Value::Null);
    }
    if read::capabilities(map).is_err() {
        set("requires_capabilities", json!([]));
    }
    if tiers::parse(map).is_err() {
        set(
            "assurance_rules",
            json!([{ "lte_minor": 0, "min_level": "L0" }]),
        );
    }
    let field = map.get("idempotency").and_then(|value| value.get("field"));
    if map.contains_key("idempotency") && !field.is_some_and(Value::is_string) {
        set("idempotency", json!({ "field": "idempotency_key" }));
    }
    if let Some(found) = map.get("required_context") {
        set("required_context", schema(found));
    }
    if read::counters(map).is_err() {
        set("counters", counters(map));
    }
    set("evaluation_rules", rules(map));
    Pack::parse(Value::Object(mended).to_string().as_bytes()).ok()
}

/// The schema, or what it says of the names and types of fields.
fn schema(found: &Value) -> Value {
    if found.is_object()
        && bounded(found).is_ok()
        && Schema::compile(found, &mut FieldNames::default()).is_ok()
    {
        return found.clone();
    }
    let properties = found.get("properties").and_then(Value::as_object);
    let typed = |(name, property): (&String, &Value)| {
        let kind = property.get("type").and_then(Value::as_str);
        let kind = kind.filter(|kind| TYPES.contains(kind));
        let property = kind.map_or_else(|| json!({}), |kind| json!({ "type": kind }));
        (name.clone(), property)
    };
    let properties: Map<String, Value> = properties
        .into_iter()
        .flatten()
        .take(1000)
        .map(typed)
        .collect();
    json!({ "type": "object", "properties": properties })
}

fn counters(map: &Map<String, Value>) -> Value {
    let list = map.get("counters").and_then(Value::as_array);
    let mut names: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for (at, value) in list
        .into_iter()
        .flatten()
        .take(read::MAX_COUNTERS)
        .enumerate()
    {
        let counter = read::counter_of(value, at);
        if let Some(read) = counter.read
            && !names.contains(&read.name)
        {
            names.push(read.name);
            kept.push(counter.value);
        }
    }
    Value::Array(kept)
}

fn rules(map: &Map<String, Value>) -> Value {
    let list = map.get("evaluation_rules").and_then(Value::as_array);
    let mut names: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for (at, value) in list.into_iter().flatten().take(read::MAX_RULES).enumerate() {
        let rule = rule_of(value, at);
        let own = format!("evaluation_rules[{at}]");
        let mut value = match rule.read {
            Some(_) => rule.value,
            None => json!({ "name": own, "condition": "true", "deny_code": "oap.unnamed" }),
        };
        let name = value
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if names.iter().any(|known| known == name)
            && let Some(rule) = value.as_object_mut()
        {
            rule.insert("name".to_owned(), own.clone().into());
        }
        let name = value.get("name").and_then(Value::as_str);
        names.extend(name.map(str::to_owned));
        kept.push(value);
    }
    Value::Array(kept)
}
