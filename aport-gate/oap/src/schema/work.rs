//! How much work a schema can ask for, counted before it is compiled: callers choose the depth of a context, so a
//! schema whose references multiply is refused with its pack, not met at a decision.

use crate::PackError;
use serde_json::Value;
use std::collections::HashMap;

/// Most subschemas and names of required fields that one value of a context may be held against, each reference counted
/// as what it stands for.
const MOST: u64 = 10_000;

/// Most subschemas that lead to one another in a row.
const DEEPEST: usize = 200;

/// How deep a context can be, which is how often a recursion can return.
const CONTEXT_DEPTH: u64 = 64;

/// What a subschema with one of these can cost again on top, since they ask the others a second time.
const UNEVALUATED: u64 = 4;

/// Refuses a schema whose work is not bounded by the size of a context and a constant.
///
/// # Errors
/// [`PackError::Schema`], which names the subschema.
pub(super) fn bounded(schema: &Value) -> Result<(), PackError> {
    let mut search = Search {
        root: schema,
        nested_id: nested_id(schema, true),
        nodes: Vec::new(),
        known: HashMap::new(),
        open: Vec::new(),
    };
    search.visit(schema, "#", 0).map_err(PackError::Schema)?;
    Ok(())
}

/// How a subschema is reached from another.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    /// On the same value, or on a part that another keyword may reach as well.
    Again,
    /// By `$ref`, on the same value.
    Reference,
    /// On a part of the value that no other step of this kind reaches.
    Part,
}

struct Node {
    place: String,
    steps: Vec<(Step, usize)>,
    unevaluated: bool,
    /// The lowest node that it leads back to.
    low: usize,
    open: bool,
    cost: u64,
}

/// Tarjan's search for strongly connected parts, which ends the inner ones first.
struct Search<'s> {
    root: &'s Value,
    nested_id: bool,
    nodes: Vec<Node>,
    known: HashMap<*const Value, usize>,
    open: Vec<usize>,
}

impl<'s> Search<'s> {
    fn visit(&mut self, schema: &'s Value, place: &str, depth: usize) -> Result<usize, String> {
        if let Some(&known) = self.known.get(&std::ptr::from_ref(schema)) {
            return Ok(known);
        }
        if depth > DEEPEST {
            return Err(format!(
                "`{place}` lies more than {DEEPEST} subschemas deep; shorten the chain of references to it"
            ));
        }
        let index = self.nodes.len();
        self.known.insert(schema, index);
        self.open.push(index);
        self.nodes.push(Node {
            place: place.to_owned(),
            steps: Vec::new(),
            unevaluated: ["unevaluatedProperties", "unevaluatedItems"]
                .iter()
                .any(|keyword| schema.get(keyword).is_some()),
            low: index,
            open: true,
            cost: own_cost(schema),
        });
        let mut low = index;
        let mut steps = Vec::new();
        for (step, part, place) in self.parts(schema, place)? {
            let to = self.visit(part, &place, depth + 1)?;
            if let Some(node) = self.nodes.get(to).filter(|node| node.open) {
                low = low.min(node.low);
            }
            steps.push((step, to));
        }
        if let Some(node) = self.nodes.get_mut(index) {
            node.low = low;
            node.steps = steps;
        }
        if low == index {
            self.close(index)?;
        }
        Ok(index)
    }

    /// The subschemas that this one leads to.
    fn parts(
        &self,
        schema: &'s Value,
        place: &str,
    ) -> Result<Vec<(Step, &'s Value, String)>, String> {
        let mut parts = Vec::new();
        for (key, value) in schema.as_object().into_iter().flatten() {
            let at = under(place, key);
            match key.as_str() {
                "$ref" => parts.push(self.reference(value, &at)?),
                "$dynamicRef" | "$recursiveRef" => {
                    return Err(format!(
                        "`{at}`: what it refers to depends on the caller's data, so its work has no bound; \
                         use `$ref` with `#/…`"
                    ));
                }
                "properties" => members(Step::Part, value, &at, &mut parts),
                "patternProperties" | "dependentSchemas" | "dependencies" => {
                    members(Step::Again, value, &at, &mut parts);
                }
                "items" | "prefixItems" | "additionalItems" | "additionalProperties" => {
                    one_or_more(Step::Part, value, &at, &mut parts);
                }
                // Data, and what is a subschema only where a reference says so.
                "enum" | "const" | "default" | "examples" | "$defs" | "definitions" => {}
                // A keyword that is not known here is counted as if it applied what it holds.
                _ => one_or_more(Step::Again, value, &at, &mut parts),
            }
        }
        Ok(parts)
    }

    fn reference(&self, value: &Value, at: &str) -> Result<(Step, &'s Value, String), String> {
        let target = value.as_str().unwrap_or_default();
        let pointer = target
            .strip_prefix('#')
            .filter(|pointer| pointer.is_empty() || pointer.starts_with('/'))
            .filter(|pointer| !pointer.contains('%') && !self.nested_id);
        let Some(pointer) = pointer else {
            return Err(format!(
                "`{at}` is `{target}`, but only references by `#/…` within a schema without inner `$id` are \
                 followed; put what it means under `$defs` and refer to it as `#/$defs/…`"
            ));
        };
        match self.root.pointer(pointer) {
            Some(schema) => Ok((Step::Reference, schema, target.to_owned())),
            None => Err(format!(
                "`{at}` is `{target}`, which is not there; define it or correct the reference"
            )),
        }
    }

    /// Counts the part of the search that starts at this node and is complete now.
    fn close(&mut self, first: usize) -> Result<(), String> {
        let at = self.open.iter().rposition(|&open| open == first);
        let members = self.open.split_off(at.unwrap_or(self.open.len()));
        let inside = |to: usize| members.contains(&to);
        let nodes = || members.iter().filter_map(|&index| self.nodes.get(index));
        let mut cost: u64 = 0;
        let mut recursive = false;
        for node in nodes() {
            let mut own = node.cost;
            let mut back = Vec::new();
            for &(step, to) in &node.steps {
                if inside(to) {
                    back.push(step);
                } else if let Some(to) = self.nodes.get(to) {
                    own = own.saturating_add(to.cost);
                }
            }
            recursive |= !back.is_empty();
            let multiplies = back.contains(&Step::Again)
                || (back.len() > 1 && back.contains(&Step::Reference))
                || (!back.is_empty() && node.unevaluated);
            if multiplies {
                return Err(format!(
                    "`{}` refers back to itself through a keyword that tries alternatives or reads a value twice \
                     (`oneOf`, `anyOf`, `allOf`, `if`, …), so its work doubles with each level of a context; \
                     recurse through `properties` or `items` alone, or write out the levels that are needed",
                    node.place
                ));
            }
            if node.unevaluated {
                own = own.saturating_mul(UNEVALUATED);
            }
            cost = cost.saturating_add(own);
        }
        if recursive {
            // With no step onto a part, a recursion never comes to an end.
            for node in nodes() {
                let mut next = Some(node);
                let mut left = members.len();
                while let Some((_, to)) = next.and_then(|node| {
                    let back = node.steps.iter().find(|(_, to)| inside(*to));
                    back.filter(|(step, _)| *step == Step::Reference)
                }) {
                    if left == 0 {
                        return Err(format!(
                            "`{}` refers to itself and nothing else; say what it is",
                            node.place
                        ));
                    }
                    left -= 1;
                    next = self.nodes.get(*to);
                }
            }
            cost = cost.saturating_mul(CONTEXT_DEPTH);
        }
        if cost > MOST {
            let place = self.nodes.get(first).map(|node| node.place.as_str());
            return Err(format!(
                "`{}` stands for more than {MOST} subschemas and required fields once its references are followed; \
                 say the same with fewer of them",
                place.unwrap_or("#")
            ));
        }
        for index in members {
            if let Some(node) = self.nodes.get_mut(index) {
                node.open = false;
                node.cost = cost;
            }
        }
        Ok(())
    }
}

/// The subschema itself, and the names of fields that it asks for.
fn own_cost(schema: &Value) -> u64 {
    let names = |value: &Value| value.as_array().map_or(0, Vec::len);
    let required = schema.get("required").map_or(0, names);
    let dependent = ["dependentRequired", "dependencies"]
        .iter()
        .filter_map(|keyword| schema.get(keyword)?.as_object());
    let dependent: usize = dependent.flat_map(|map| map.values().map(names)).sum();
    u64::try_from(required + dependent).map_or(u64::MAX, |names| names.saturating_add(1))
}

fn under(place: &str, key: &str) -> String {
    format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn members<'s>(
    step: Step,
    value: &'s Value,
    place: &str,
    parts: &mut Vec<(Step, &'s Value, String)>,
) {
    for (name, schema) in value.as_object().into_iter().flatten() {
        parts.push((step, schema, under(place, name)));
    }
}

fn one_or_more<'s>(
    step: Step,
    value: &'s Value,
    place: &str,
    parts: &mut Vec<(Step, &'s Value, String)>,
) {
    match value {
        Value::Object(_) => parts.push((step, value, place.to_owned())),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                if item.is_object() {
                    parts.push((step, item, format!("{place}/{at}")));
                }
            }
        }
        _ => {}
    }
}

/// Whether a part below the root names itself, from where on `#` would mean that part.
fn nested_id(schema: &Value, root: bool) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| match key.as_str() {
            "$id" | "id" if value.is_string() => !root,
            "enum" | "const" | "default" | "examples" => false,
            _ => nested_id(value, false),
        }),
        Value::Array(items) => items.iter().any(|item| nested_id(item, false)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::bounded;
    use serde_json::{Map, Value, json};

    fn refusal(schema: &Value) -> String {
        bounded(schema).unwrap_err().to_string()
    }

    #[test]
    fn a_recursion_through_alternatives_is_refused() {
        for keyword in ["oneOf", "anyOf", "allOf"] {
            let branch = json!({"properties": {"child": {"$ref": "#/$defs/node"}}});
            let schema = json!({
                "type": "object",
                "properties": {"filter": {"$ref": "#/$defs/node"}},
                "$defs": {"node": {"type": "object", keyword: [branch, branch]}},
            });
            let refusal = refusal(&schema);
            assert!(refusal.contains("refers back to itself"), "{refusal}");
            assert!(refusal.contains("$defs/node"), "{refusal}");
        }
    }

    #[test]
    fn other_keywords_that_read_a_value_twice_may_not_recurse() {
        let back = json!({"properties": {"c": {"$ref": "#"}}});
        for schema in [
            json!({"if": back, "then": back}),
            json!({"not": back}),
            json!({"patternProperties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}}),
            json!({"items": {"$ref": "#"}, "contains": {"$ref": "#"}}),
            json!({"properties": {"c": {"$ref": "#"}}, "unevaluatedProperties": false}),
            json!({"properties": {"c": {"$ref": "#"}}, "$ref": "#/$defs/b", "$defs": {"b": back}}),
        ] {
            let refusal = refusal(&schema);
            assert!(
                refusal.contains("refers back to itself"),
                "{schema}: {refusal}"
            );
        }
    }

    #[test]
    fn references_that_double_are_refused() {
        let mut defs = Map::new();
        for at in 0..24 {
            let next = json!({"$ref": format!("#/$defs/a{}", at + 1)});
            defs.insert(format!("a{at}"), json!({"anyOf": [next, next]}));
        }
        defs.insert("a24".to_owned(), json!({"type": "string"}));
        let schema = json!({"$defs": defs, "properties": {"x": {"$ref": "#/$defs/a0"}}});
        let refusal = refusal(&schema);
        assert!(refusal.contains("more than 10000 subschemas"), "{refusal}");
    }

    #[test]
    fn recursions_within_recursions_are_refused_once_they_multiply() {
        let schema = json!({
            "$ref": "#/$defs/a",
            "$defs": {
                "a": {"properties": {"c": {"$ref": "#/$defs/a"}}, "allOf": [{"$ref": "#/$defs/b"}]},
                "b": {"properties": {"c": {"$ref": "#/$defs/b"}}, "allOf": [{"$ref": "#/$defs/c"}]},
                "c": {"properties": {"c": {"$ref": "#/$defs/c"}}},
            },
        });
        assert!(refusal(&schema).contains("more than 10000"));
    }

    #[test]
    fn references_without_an_end_or_out_of_the_schema_are_refused() {
        for (schema, problem) in [
            (json!({"$ref": "#"}), "nothing else"),
            (
                json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
                "nothing else",
            ),
            (json!({"$dynamicRef": "#x"}), "has no bound"),
            (json!({"$ref": "#name"}), "only references by"),
            (
                json!({"$ref": "http://json-schema.org/draft-07/schema#"}),
                "only references by",
            ),
            (
                json!({"$ref": "#/$defs/a", "$defs": {"a": {"$id": "x:a"}}}),
                "only references by",
            ),
            (json!({"$ref": "#/$defs/none"}), "which is not there"),
        ] {
            let refusal = refusal(&schema);
            assert!(refusal.contains(problem), "{schema}: {refusal}");
        }
    }

    #[test]
    fn a_long_chain_of_references_is_refused() {
        let mut defs = Map::new();
        for at in 0..1000 {
            let next = json!({"$ref": format!("#/$defs/a{}", at + 1)});
            defs.insert(format!("a{at}"), next);
        }
        defs.insert("a1000".to_owned(), json!({}));
        let schema = json!({"$defs": defs, "$ref": "#/$defs/a0"});
        assert!(refusal(&schema).contains("subschemas deep"));
    }

    #[test]
    fn a_tree_and_shared_definitions_are_accepted() {
        for schema in [
            json!({
                "properties": {"tree": {"$ref": "#/$defs/node"}},
                "$defs": {"node": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string", "enum": ["a", "b"]},
                        "left": {"$ref": "#/$defs/node"},
                        "right": {"$ref": "#/$defs/node"},
                        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    },
                }},
            }),
            json!({
                "properties": {"a": {"$ref": "#/$defs/money"}, "b": {"$ref": "#/$defs/money"}},
                "$defs": {"money": {"oneOf": [{"type": "integer"}, {"type": "null"}]}},
            }),
            json!({"properties": {"id": {"type": "string"}, "$ref": {"type": "string"}}}),
            json!({"additionalProperties": {"$ref": "#"}}),
            json!(true),
        ] {
            assert!(bounded(&schema).is_ok(), "{schema}");
        }
    }
}
