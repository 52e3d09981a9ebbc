//! What the caller gave, against what the type of the arguments writes for the policy.
//!
//! The rules see the arguments as their type writes them, the body as it read them. A type of the
//! tool's author may write another value than it read, or none: then what is approved is not what
//! runs. Both sides are here once, as JSON, so they are compared. What the type adds, such as a
//! default, was not given and is not compared.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

/// Other names that an argument may be given under, each with the one that is written.
pub(crate) type Aliases = &'static [(&'static str, &'static str)];

/// An argument that the policy would see otherwise than it was given.
#[derive(Debug)]
pub(super) struct Difference<'v> {
    /// From the inside out.
    steps: Vec<String>,
    kind: Kind<'v>,
}

#[derive(Debug)]
enum Kind<'v> {
    /// Not written; what stands beside it and was not given.
    Missing(Vec<&'v str>),
    Another {
        given: &'v Value,
        written: &'v Value,
    },
}

/// Whether all that was given is in the context, and as it was given.
pub(super) fn all_written<'v>(
    given: &'v Map<String, Value>,
    written: &'v Map<String, Value>,
    aliases: Aliases,
) -> Result<(), Difference<'v>> {
    members(given, written, aliases)
}

fn members<'v>(
    given: &'v Map<String, Value>,
    written: &'v Map<String, Value>,
    aliases: Aliases,
) -> Result<(), Difference<'v>> {
    for (name, value) in given {
        let alias = aliases.iter().find(|(alias, _)| alias == name);
        let name = alias.map_or(name.as_str(), |(_, name)| name);
        // `null` for an optional argument is the same as leaving it out.
        if value.is_null() {
            continue;
        }
        let inner = match written.get(name) {
            Some(written) => same(value, written),
            None => {
                let others = written.keys().filter(|other| !given.contains_key(*other));
                Err(Difference::here(Kind::Missing(
                    others.map(String::as_str).collect(),
                )))
            }
        };
        inner.map_err(|difference| difference.inside(name))?;
    }
    Ok(())
}

fn same<'v>(given: &'v Value, written: &'v Value) -> Result<(), Difference<'v>> {
    let same = match (given, written) {
        (Value::Null, _) => true,
        (Value::Object(given), Value::Object(written)) => return members(given, written, &[]),
        (Value::Array(given), Value::Array(written)) => return items(given, written),
        (Value::Number(given), Value::Number(written)) => same_number(given, written),
        (given, written) => given == written,
    };
    match same {
        true => Ok(()),
        false => Err(Difference::here(Kind::Another { given, written })),
    }
}

fn items<'v>(given: &'v [Value], written: &'v [Value]) -> Result<(), Difference<'v>> {
    let pairs = given.iter().zip(written).enumerate();
    let mut pairs = pairs.map(|(at, (given, written))| {
        same(given, written).map_err(|difference| difference.inside(&at.to_string()))
    });
    let in_order = pairs.find_map(Result::err);
    if in_order.is_none() && given.len() == written.len() {
        return Ok(());
    }
    // A set writes what it read in an order of its own, each item once.
    let set = |items: &[Value]| items.iter().map(text).collect::<BTreeSet<_>>();
    if set(given) == set(written) {
        return Ok(());
    }
    Err(in_order.unwrap_or_else(|| {
        let longer = given.get(written.len()).or(written.get(given.len()));
        Difference::here(Kind::Another {
            given: given.get(written.len()).unwrap_or(&Value::Null),
            written: longer
                .filter(|_| written.len() > given.len())
                .unwrap_or(&Value::Null),
        })
        .inside(&given.len().min(written.len()).to_string())
    }))
}

/// The same text for the same value; `1` and `1.0` are one.
fn text(value: &Value) -> String {
    match value
        .as_f64()
        .filter(|_| !value.is_i64() && !value.is_u64())
    {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "only a whole number is looked at as one"
        )]
        Some(number) if number.fract() == 0.0 && number.abs() < 9e15 => (number as i64).to_string(),
        _ => value.to_string(),
    }
}

/// Two forms of one number: `1` and `1.0`, or a fraction that the type keeps in 32 bits.
fn same_number(given: &Number, written: &Number) -> bool {
    if given == written {
        return true;
    }
    let whole = |number: &Number| number.is_i64() || number.is_u64();
    if whole(given) && whole(written) {
        return false;
    }
    let (Some(given), Some(written)) = (given.as_f64(), written.as_f64()) else {
        return false;
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what an f32 makes of it is the question"
    )]
    let narrow = f64::from(given as f32);
    given == written || narrow == written
}

impl<'v> Difference<'v> {
    fn here(kind: Kind<'v>) -> Self {
        let steps = Vec::new();
        Self { steps, kind }
    }

    fn inside(mut self, step: &str) -> Self {
        self.steps.push(step.to_owned());
        self
    }

    /// What to tell the caller and the author; without values where the argument is redacted.
    pub(super) fn message(mut self, redacted: &[&str]) -> String {
        self.steps.reverse();
        let hidden = self
            .steps
            .first()
            .is_some_and(|root| redacted.contains(&root.as_str()));
        // What stands below a redacted name may be a value as well: the keys of a map.
        if let (true, Some(root)) = (hidden, self.steps.first()) {
            return format!(
                "argument `{root}` would reach the policy otherwise than it was given; its value is redacted"
            );
        }
        let path = self.steps.join(".");
        match self.kind {
            Kind::Missing(others) if others.is_empty() => format!(
                "argument `{path}` would not reach the policy: the tool's type does not write it; leave it out"
            ),
            Kind::Missing(others) => format!(
                "argument `{path}` would not reach the policy: the tool's type does not write it; leave it \
                 out, or give it under the name that the tool lists (it writes `{}` too)",
                others.join("`, `")
            ),
            Kind::Another { given, written } => format!(
                "argument `{path}` is {}, the policy would see {}: give it as the tool's type writes it, or \
                 correct the type to write what it reads",
                shown(given),
                shown(written)
            ),
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(given: &Value, written: &Value) -> Option<String> {
        let (Value::Object(given), Value::Object(written)) = (given, written) else {
            unreachable!()
        };
        let compared = all_written(given, written, &[("pr", "pr_number")]);
        compared
            .err()
            .map(|difference| difference.message(&["code"]))
    }

    #[test]
    fn other_forms_of_the_same_value_pass() {
        let cases = [
            (json!({"a": 1}), json!({"a": 1.0})),
            (json!({"a": 0.1}), json!({"a": f64::from(0.1_f32)})),
            (json!({"a": null}), json!({})),
            (json!({"a": null}), json!({"a": 3})),
            (json!({}), json!({"a": "a default"})),
            (json!({"o": {"a": 1}}), json!({"o": {"a": 1, "b": 2}})),
            (json!({"s": ["b", "a", "b"]}), json!({"s": ["a", "b"]})),
            (json!({"s": [2, 1.0]}), json!({"s": [1, 2]})),
            (json!({"l": [{"a": 1}]}), json!({"l": [{"a": 1, "b": 2}]})),
            (json!({"pr": 7}), json!({"pr_number": 7})),
        ];
        for (given, written) in cases {
            assert_eq!(told(&given, &written), None, "{given} {written}");
        }
    }

    #[test]
    fn another_value_is_told_with_its_place() {
        let cases = [
            (
                json!({"a": "x"}),
                json!({"a": "y"}),
                "`a` is `\"x\"`, the policy would see `\"y\"`",
            ),
            (json!({"a": "1"}), json!({"a": 1}), "`a` is `\"1\"`"),
            (
                json!({"a": 9_007_199_254_740_993_u64}),
                json!({"a": 9_007_199_254_740_992_u64}),
                "`a`",
            ),
            (
                json!({"o": {"l": [1, 2]}}),
                json!({"o": {"l": [1, 3]}}),
                "`o.l.1` is `2`",
            ),
            (
                json!({"l": [1, 2]}),
                json!({"l": [1]}),
                "`l.1` is `2`, the policy would see `null`",
            ),
            (
                json!({"l": [1]}),
                json!({"l": [1, 2]}),
                "`l.1` is `null`, the policy would see `2`",
            ),
            (
                json!({"o": {"a": 1, "c": 2}}),
                json!({"o": {"a": 1, "b": 2}}),
                "`o.c` would not reach",
            ),
            (
                json!({"o": {"c": 2}}),
                json!({"o": {"b": 2}}),
                "it writes `b` too",
            ),
            (json!({"o": [1]}), json!({"o": {"a": 1}}), "`o`"),
            (
                json!({"pr": 7}),
                json!({"pr_number": 8}),
                "`pr_number` is `7`",
            ),
            (
                json!({"code": "s3cret"}),
                json!({"code": "other"}),
                "`code` would reach the policy otherwise",
            ),
        ];
        for (given, written, expected) in cases {
            let told = told(&given, &written).unwrap_or_default();
            assert!(told.contains(expected), "{given} {written}: {told}");
            assert!(!told.contains("s3cret"), "{told}");
        }
    }
}
