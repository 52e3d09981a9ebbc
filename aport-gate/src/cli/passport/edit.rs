//! Values that flags carry: JSON, and single limits.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

pub(super) use crate::cli::argument::json_argument;
use crate::cli::failure::Failure;

/// One limit of one capability.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    capability: String,
    path: Vec<String>,
    value: Value,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected CAPABILITY:path.to.it=VALUE, such as \
                        finance.payment.refund:currency_limits.USD.max_per_tx=5000";
        let (capability, rest) = text.split_once(':').ok_or(expected)?;
        let (path, value) = rest.split_once('=').ok_or(expected)?;
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        if capability.is_empty() || path.iter().any(String::is_empty) {
            return Err(expected.to_owned());
        }
        let value = match aport_gate_oap::parse_json(value.as_bytes()) {
            Ok(read) => read,
            // A text in place of a list would be another limit than was meant, or none.
            Err(error) if value.trim_start().starts_with(['[', '{']) => {
                return Err(format!(
                    "`{value}` begins like JSON and is none ({error}); keep its quotes from the shell, as in \
                     --limit '{capability}:{}={}'",
                    path.join("."),
                    if value.trim_start().starts_with('[') {
                        listed(value)
                    } else {
                        r#"{"name": 1}"#.to_owned()
                    }
                ));
            }
            Err(_) => Value::String(value.to_owned()),
        };
        Ok(Self {
            capability: capability.to_owned(),
            path,
            value,
        })
    }
}

/// `["a.com", "b.com"]` of `[a.com,b.com]`.
fn listed(text: &str) -> String {
    let inner = text.trim().trim_matches(['[', ']']);
    let items = inner
        .split(',')
        .map(|item| item.trim().trim_matches(['"', '\'']));
    let items: Vec<&str> = items.filter(|item| !item.is_empty()).collect();
    Value::from(items).to_string()
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            capability,
            path,
            value,
        } = self;
        write!(f, "{capability}:{}={value}", path.join("."))
    }
}

impl Limit {
    pub(super) fn capability(&self) -> &str {
        &self.capability
    }

    /// Whether the two set the same limit, or one a part of the other.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let same = |(one, other): (&String, &String)| one == other;
        self.capability == other.capability && self.path.iter().zip(&other.path).all(same)
    }

    pub(super) fn set(&self, passport: &mut Map<String, Value>) -> Result<(), Failure> {
        let mut at = passport
            .entry("limits")
            .or_insert_with(|| Value::Object(Map::new()));
        for step in std::iter::once(&self.capability).chain(&self.path) {
            let map = at.as_object_mut().ok_or_else(|| {
                Failure::new(format!(
                    "limit `{}:{}`: what `{step}` would lie in is no object",
                    self.capability,
                    self.path.join(".")
                ))
            })?;
            at = map
                .entry(step.as_str())
                .or_insert_with(|| Value::Object(Map::new()));
        }
        *at = self.value.clone();
        Ok(())
    }
}
