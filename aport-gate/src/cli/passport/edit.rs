//! Values that flags carry: JSON, and single limits.

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
        Ok(Self {
            capability: capability.to_owned(),
            path,
            value: aport_gate_oap::parse_json(value.as_bytes())
                .unwrap_or_else(|_| Value::String(value.to_owned())),
        })
    }
}

impl Limit {
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
