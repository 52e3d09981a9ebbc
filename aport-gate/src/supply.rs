//! Whether a tool as it is listed can supply what its pack declares, asked when a server starts.
//!
//! The compiler asked the same of a tool that was checked; this is for what it cannot see: a pack
//! that only the gate has, the fields of `Parameters<T>` under their JSON names, a parameter that a
//! `cfg` removed, and the schema of a user's own type.

use std::sync::Arc;

use aport_gate_oap::Pack;
use rmcp::model::{JsonObject, Tool};
use serde_json::Value;

use crate::gated_routes::{self, GatedTool};
use crate::identity::ARGUMENT_AGENT_ID;

/// What is wrong, field by field; empty where nothing is.
pub(crate) fn problems(tool: &Tool, gated: GatedTool, pack: &Pack) -> Vec<String> {
    let declared = pack
        .required_context()
        .and_then(|schema| schema.get("properties"));
    let arguments = tool
        .input_schema
        .get("properties")
        .and_then(Value::as_object);
    let argument = |field: &str| arguments.and_then(|arguments| arguments.get(field));
    let added = |field: &str| gated.mapped.contains(&field);
    let mut problems = Vec::new();
    for field in pack.required_fields() {
        let by_gate = matches!(field, "agent_id" | "policy_id");
        if !gated.has_facts && !by_gate && argument(field).is_none() && !added(field) {
            problems.push(format!(
                "`{field}` is supplied by nothing, add the argument, or a field in `context(…)`"
            ));
        }
    }
    for (field, declared) in declared.and_then(Value::as_object).into_iter().flatten() {
        if let (Some(expected), Some(argument)) = (type_of(declared), argument(field))
            && !added(field)
            && !may_be(argument, expected, &tool.input_schema)
        {
            problems.push(format!(
                "`{field}` has to be {expected}, the argument is not"
            ));
        }
    }
    if argument("policy_id").is_some() {
        problems.push("`policy_id` is supplied by the gate, remove the argument".to_owned());
    }
    if gated_routes::is_method(tool) && !gated.has_facts {
        let unknown = unknown_redacted(gated, listed_names(&tool.input_schema));
        problems.extend(unknown.map(|field| {
            format!(
                "`{field}` is redacted, but no argument has that name in JSON: in `redact(…)`, and in the \
                 struct of the arguments, write the name that a caller writes"
            )
        }));
    }
    let summed = pack.summed_fields();
    for field in summed
        .iter()
        .filter(|field| gated.redacted.contains(*field))
    {
        problems.push(format!(
            "`{field}` is redacted, but the ledger keeps its sum"
        ));
    }
    problems
}

/// The names of listed arguments; none where none is listed, as for a method that takes any.
pub(crate) fn listed_names(schema: &JsonObject) -> Option<&JsonObject> {
    let names = schema.get("properties")?.as_object()?;
    names
        .keys()
        .any(|name| name != ARGUMENT_AGENT_ID)
        .then_some(names)
}

/// What a tool redacts that is neither a listed argument nor a field of `context(…)`.
pub(crate) fn unknown_redacted<'n>(
    gated: GatedTool,
    listed: Option<&'n JsonObject>,
) -> impl Iterator<Item = &'static str> + use<'n> {
    let redacted = gated.redacted.iter().copied();
    redacted.filter(move |field| {
        listed.is_some_and(|names| !names.contains_key(*field)) && !gated.mapped.contains(field)
    })
}

/// What one of the tools that share counters and keys redacts and another does not: one value would
/// count under two names.
pub(crate) fn disagreement(tools: &[(GatedTool, Arc<Pack>)]) -> Option<(GatedTool, String)> {
    for (tool, pack) in tools {
        let sharing = tools.iter().map(|(other, _)| other);
        for other in sharing.filter(|other| other.pack.id == tool.pack.id) {
            let only_there =
                |field: &&&str| !tool.redacted.contains(*field) && pack.compares(field);
            if let Some(field) = other.redacted.iter().find(only_there) {
                let problem = format!(
                    "`{field}` is redacted in `{}` and not here, and the ledger counts by it or finds repeats with it: redact it in both or in none",
                    other.name
                );
                return Some((*tool, problem));
            }
        }
    }
    None
}

fn type_of(schema: &Value) -> Option<&str> {
    schema.get("type")?.as_str()
}

/// Whether some value of the argument's schema has this type. What is not understood may.
fn may_be(argument: &Value, expected: &str, root: &JsonObject) -> bool {
    let fits = |found: &str| {
        found == expected
            || matches!(
                (found, expected),
                ("integer", "number") | ("number", "integer")
            )
    };
    if let Some(reference) = argument.get("$ref").and_then(Value::as_str) {
        let definition = reference
            .strip_prefix("#/$defs/")
            .and_then(|name| root.get("$defs")?.get(name));
        return definition.is_none_or(|found| match found.get("type") {
            Some(_) => may_be(found, expected, &JsonObject::new()),
            None => true,
        });
    }
    match argument.get("type") {
        Some(Value::String(found)) => fits(found),
        Some(Value::Array(found)) => found.iter().filter_map(Value::as_str).any(fits),
        _ => true,
    }
}
