//! Names that the parts of a pack use for each other and that do not meet: a counter no rule reads, a limit
//! no rule reads, a field nothing declares.

use super::{Document, MAX_FINDINGS, meant};
use crate::Pack;
use crate::condition::ast::{Expr, Root};
use crate::counter::RECENT_KEYS;
use crate::pack::Body;
use serde_json::Value;

pub(super) fn report(pack: &Pack, counters_are_whole: bool, document: &mut Document<'_>) {
    let mut limits: Vec<String> = Vec::new();
    let mut counters: Vec<(String, String)> = Vec::new();
    for (at, rule) in pack.rules().iter().enumerate() {
        let Body::Condition(condition) = &rule.body else {
            continue;
        };
        let path = format!("evaluation_rules[{at}].condition");
        let mut names = Names::default();
        names.gather(&condition.0, &mut Vec::new());
        for name in &names.bare {
            if pack.counter_index(name).is_some() {
                counters.push((name.clone(), path.clone()));
            } else if name != RECENT_KEYS {
                undeclared(pack, name, &path, document);
            }
        }
        for name in &names.fields {
            undeclared(pack, name, &path, document);
        }
        limits.append(&mut names.limits);
    }
    let declared = pack.as_value().get("counters").and_then(Value::as_array);
    let declared: Vec<&str> = declared
        .into_iter()
        .flatten()
        .filter_map(|counter| counter.get("name")?.as_str())
        .collect();
    for (at, name) in declared.iter().enumerate() {
        if counters_are_whole && !counters.iter().any(|(read, _)| read == name) {
            let message = format!("counter `{name}` is counted but no rule reads it");
            document.warning(&format!("counters[{at}].name"), message);
        }
    }
    let mut told: Vec<&str> = Vec::new();
    for (name, path) in &counters {
        if !declared.contains(&name.as_str())
            && !told.contains(&name.as_str())
            && let Some(at) = pack.counter_index(name)
            && let Some(counter) = pack.counters().get(at)
        {
            told.push(name);
            let read = counter.undeclared(pack.counted_kind(at));
            document.warning(path, read);
        }
    }
    let required = pack
        .as_value()
        .get("limits_required")
        .and_then(Value::as_array);
    for (at, name) in required.into_iter().flatten().enumerate() {
        let Some(name) = name.as_str() else { continue };
        let read = limits.iter().any(|limit| limit == name)
            || pack
                .rules()
                .iter()
                .any(|rule| matches!(&rule.body, Body::Validator(one) if one.reads_limit(name)))
            || matches!(name, "regions" | "approval_required");
        if !read {
            let known: Vec<&str> = limits.iter().map(String::as_str).collect();
            let near =
                meant(name, &known).map(|near| format!("; is `limits.{near}` meant to be it?"));
            let message = format!(
                "`{name}` is asked for but no rule reads it; a passport's `{name}` has no effect{}",
                near.unwrap_or_default()
            );
            document.warning(&format!("limits_required[{at}]"), message);
        }
    }
}

/// A field that `required_context` does not describe: a typing slip, or a fact nobody promises.
fn undeclared(pack: &Pack, name: &str, path: &str, document: &mut Document<'_>) {
    // More are not told, and each is a search for the name that was meant.
    if document.findings.len() >= MAX_FINDINGS {
        return;
    }
    let properties = pack
        .required_context()
        .and_then(|schema| schema.get("properties")?.as_object());
    let Some(properties) = properties else { return };
    if properties.contains_key(name) {
        return;
    }
    let known: Vec<&str> = properties.keys().map(String::as_str).collect();
    let near = match meant(name, &known) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => "; nothing promises that it is there".to_owned(),
    };
    let message = format!("`{name}` is not described in `required_context`{near}");
    document.warning(path, message);
}

/// What a condition names.
#[derive(Default)]
struct Names {
    bare: Vec<String>,
    fields: Vec<String>,
    limits: Vec<String>,
}

impl Names {
    fn gather<'e>(&mut self, expr: &'e Expr, bound: &mut Vec<&'e str>) {
        match expr {
            Expr::Name(name) if !bound.contains(&name.as_str()) => keep(&mut self.bare, name),
            Expr::Field(of, name) => {
                match &**of {
                    Expr::Root(Root::Context) => keep(&mut self.fields, name),
                    _ if is_limits(of) => keep(&mut self.limits, name),
                    // `limits.a.b[c].name`: which of the names is the limit only the passport tells.
                    _ if under_limits(of) => keep(&mut self.limits, name),
                    _ => {}
                }
                self.gather(of, bound);
            }
            Expr::Quantified {
                body,
                variable,
                list,
                ..
            } => {
                self.gather(list, bound);
                bound.push(variable);
                self.gather(body, bound);
                bound.pop();
            }
            _ => expr
                .children()
                .into_iter()
                .for_each(|child| self.gather(child, bound)),
        }
    }
}

fn is_limits(expr: &Expr) -> bool {
    match expr {
        Expr::Root(Root::Limits) => true,
        Expr::Field(of, name) => name == "limits" && matches!(**of, Expr::Root(Root::Passport)),
        _ => false,
    }
}

fn under_limits(expr: &Expr) -> bool {
    is_limits(expr)
        || match expr {
            Expr::Field(of, _) | Expr::Index(of, _) => under_limits(of),
            _ => false,
        }
}

fn keep(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}
