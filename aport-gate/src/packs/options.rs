//! What an operator changes in the reading of a pack that they do not edit.

use std::collections::BTreeMap;
use std::path::Path;

use aport_gate_oap::{Absent, Digest, OperatorOptions, Pack, PackId, parse_json};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};

/// How the gate reads one pack, where that differs from the pack's document.
///
/// The same keys stand in `APORT_HOME/pack-options.json`:
///
/// ```json
/// { "web.fetch.v1": { "absent": "skip", "waive": ["response_size_limit"] } }
/// ```
///
/// Every decision under such a pack carries them as `operator_options`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackOptions {
    absent: Option<Absent>,
    #[serde(default)]
    waive: Vec<String>,
    digest: Option<Digest>,
}

impl PackOptions {
    /// Options that change nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What absent context fields mean, over what the pack says.
    #[must_use]
    pub fn absent(mut self, absent: Absent) -> Self {
        self.absent = Some(absent);
        self
    }

    /// Leaves one rule of the pack out. This weakens the pack.
    #[must_use]
    pub fn waive(mut self, rule: impl Into<String>) -> Self {
        self.waive.push(rule.into());
        self
    }

    /// Holds for the pack of this digest only: a changed pack is then an error until somebody has
    /// looked at it again.
    #[must_use]
    pub fn for_digest(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }

    pub(super) fn apply(&self, pack: Pack, place: &str) -> Result<(Pack, OperatorOptions)> {
        let problem = |problem: String| Error::PackOptions {
            place: place.to_owned(),
            problem,
        };
        if let Some(expected) = self.digest
            && expected != pack.digest()
        {
            return Err(problem(format!(
                "they are for pack `{}` with digest `{expected}`, but it has `{}`; look at the pack again",
                pack.id(),
                pack.digest()
            )));
        }
        let mut pack = match self.absent {
            Some(absent) => pack.with_absent(absent),
            None => pack,
        };
        let mut waived_rules: Vec<String> = Vec::new();
        for rule in &self.waive {
            pack = pack
                .with_waived(rule)
                .map_err(|error| problem(error.to_string()))?;
            if !waived_rules.contains(rule) {
                waived_rules.push(rule.clone());
            }
        }
        let options = OperatorOptions {
            absent: self.absent,
            waived_rules,
        };
        Ok((pack, options))
    }
}

/// Reads `pack-options.json`: options by pack id.
pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<BTreeMap<PackId, PackOptions>> {
    let problem = |problem: String| Error::PackOptions {
        place: place(path),
        problem,
    };
    let value = parse_json(bytes).map_err(|error| problem(error.to_string()))?;
    let Value::Object(members) = value else {
        return Err(problem(
            "they are not a JSON object of options by pack id".to_owned(),
        ));
    };
    members
        .into_iter()
        .map(|(id, options)| {
            let pack = PackId::parse(&id).map_err(|error| problem(error.to_string()))?;
            let options = serde_json::from_value(options)
                .map_err(|error| problem(format!("for `{id}`: {error}")))?;
            Ok((pack, options))
        })
        .collect()
}

pub(super) fn place(path: &Path) -> String {
    format!("`{}`", path.display())
}
