//! Comparisons of a field with a literal of another type than the schema has for the field: never equal, or an error
//! of every call.

use super::{Document, MAX_FINDINGS};
use crate::Pack;
use crate::condition::ast::{Expr, Operator, Root};
use crate::pack::Body;
use serde_json::Value;

pub(super) fn report(pack: &Pack, document: &mut Document<'_>) {
    for (at, rule) in pack.rules().iter().enumerate() {
        let Body::Condition(condition) = &rule.body else {
            continue;
        };
        let path = format!("evaluation_rules[{at}].condition");
        let mut told = Vec::new();
        look(&condition.0, pack, &mut Vec::new(), &mut told);
        for message in told {
            if document.findings.len() < MAX_FINDINGS {
                document.warning(&path, message);
            }
        }
    }
}

fn look<'e>(expr: &'e Expr, pack: &Pack, bound: &mut Vec<&'e str>, told: &mut Vec<String>) {
    if let Expr::Quantified {
        body,
        variable,
        list,
        ..
    } = expr
    {
        look(list, pack, bound, told);
        bound.push(variable);
        look(body, pack, bound, told);
        bound.pop();
        return;
    }
    if let Expr::Binary(operator, a, b) = expr {
        let of = |field: &Expr, literal: &Expr| {
            let is_bound = matches!(field, Expr::Name(name) if bound.contains(&name.as_str()));
            (!is_bound)
                .then(|| differing(*operator, field, literal, pack))
                .flatten()
        };
        if let Some(message) = of(a, b).or_else(|| of(b, a))
            && !told.contains(&message)
        {
            told.push(message);
        }
    }
    for child in expr.children() {
        look(child, pack, bound, told);
    }
}

fn differing(operator: Operator, field: &Expr, literal: &Expr, pack: &Pack) -> Option<String> {
    let name = match field {
        Expr::Name(name) if pack.counter_index(name).is_none() => name,
        Expr::Field(of, name) if matches!(**of, Expr::Root(Root::Context)) => name,
        _ => return None,
    };
    let literals = match (operator, literal) {
        (Operator::In | Operator::NotIn, Expr::List(items)) => items.as_slice(),
        (
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessEqual
            | Operator::Greater
            | Operator::GreaterEqual,
            other,
        ) => std::slice::from_ref(other),
        _ => return None,
    };
    let properties = pack.required_context()?.get("properties")?;
    let kind = properties.get(name)?.get("type").and_then(Value::as_str)?;
    let other = literals.iter().find(|literal| !fits(kind, literal))?;
    let instead = match (kind, other) {
        ("string", Expr::Int(_) | Expr::Float(_) | Expr::Bool(_)) => format!("; write `'{other}'`"),
        ("integer" | "number", Expr::Str(text)) if text.parse::<f64>().is_ok() => {
            format!("; write `{text}`")
        }
        ("boolean", Expr::Str(text)) if matches!(text.as_str(), "true" | "false") => {
            format!("; write `{text}`")
        }
        _ => String::new(),
    };
    Some(format!(
        "`{name}` has the type `{kind}` in `required_context`, which `{other}` is not of{instead}"
    ))
}

/// Whether the literal may be of the type, as far as that shows.
fn fits(kind: &str, literal: &Expr) -> bool {
    let other = match literal {
        Expr::Int(_) | Expr::Float(_) => ["string", "boolean"].as_slice(),
        Expr::Bool(_) => &["string", "integer", "number"],
        Expr::Str(_) => &["integer", "number", "boolean"],
        Expr::List(_) => &["string", "integer", "number", "boolean"],
        _ => &[],
    };
    !other.contains(&kind)
}
