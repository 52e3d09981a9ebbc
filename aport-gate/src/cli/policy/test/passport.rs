//! The passport of the cases: as given, and with what a case overrides.

use std::path::Path;

use aport_gate_oap::{AgentId, Passport, PassportError, SPEC_VERSION, parse_json};
use serde_json::{Map, Value};

use crate::cli::failure::Failure;
use crate::cli::file;

/// Agent of a passport whose own id is of a form that no verifier accepts.
const STAND_IN: &str = "ap_test_vector";
const IDS: [&str; 2] = ["passport_id", "agent_id"];

/// The passport that the cases start from.
pub(super) struct Holder {
    document: Map<String, Value>,
    notes: Vec<String>,
}

impl Holder {
    /// # Errors
    /// The file cannot be read, or holds no passport even with what older forms lack filled in.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let unusable = |problem: String| {
            Failure::new(format!("passport `{}`: {problem}", path.display()))
                .hint("give an OAP passport as JSON")
        };
        let value = parse_json(&file::read(path)?)
            .map_err(|error| unusable(format!("it is not acceptable JSON: {error}")))?;
        let Value::Object(mut document) = value else {
            return Err(unusable("it must be an object".to_owned()));
        };
        let mut notes = Vec::new();
        // Vectors outlive the form of passports. What a verifier would insist on and no rule looks
        // at is filled in, and said.
        for (field, value) in [
            ("spec_version", SPEC_VERSION),
            ("owner_id", "org_test_vector"),
        ] {
            if !document.contains_key(field) {
                document.insert(field.to_owned(), value.into());
                notes.push(format!(
                    "the passport has no `{field}`; the test takes `{value}`"
                ));
            }
        }
        if let Some(note) = give_id(&mut document) {
            notes.push(note);
        }
        parse(&document).map_err(|error| unusable(error.to_string()))?;
        Ok(Self { document, notes })
    }

    /// What was filled in.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// A key of overrides that no passport has and that looks like one that passports have. It would change nothing.
    pub(super) fn slip<'o>(
        &self,
        overrides: &'o Map<String, Value>,
    ) -> Option<(&'o str, &'static str)> {
        let mut keys = overrides
            .keys()
            .filter(|key| !self.document.contains_key(*key));
        keys.find_map(|key| Some((key.as_str(), Passport::misspelled_field(key)?)))
    }

    /// The passport of one case.
    ///
    /// # Errors
    /// The overrides make a document that no verifier takes for a passport.
    pub(super) fn with(
        &self,
        overrides: Option<&Map<String, Value>>,
    ) -> Result<Passport, PassportError> {
        let mut document = self.document.clone();
        if let Some(overrides) = overrides {
            // Either name of the id replaces both.
            if IDS.iter().any(|id| overrides.contains_key(*id)) {
                document.retain(|key, _| !IDS.contains(&key.as_str()));
            }
            for (key, value) in overrides {
                document.insert(key.clone(), value.clone());
            }
            document.retain(|key, value| !overrides.contains_key(key) || !value.is_null());
            give_id(&mut document);
        }
        parse(&document)
    }
}

fn parse(document: &Map<String, Value>) -> Result<Passport, PassportError> {
    Passport::parse(Value::Object(document.clone()).to_string().as_bytes())
}

/// Replaces an id that is no agent id, and says so.
fn give_id(document: &mut Map<String, Value>) -> Option<String> {
    let usable = |id: &&str| {
        document
            .get(*id)
            .and_then(Value::as_str)
            .is_some_and(|text| AgentId::parse(text).is_ok())
    };
    let present: Vec<&str> = IDS
        .into_iter()
        .filter(|id| document.contains_key(*id))
        .collect();
    let id = |field: &str| AgentId::parse(document.get(field)?.as_str()?).ok();
    let agree = present.windows(2).all(|pair| match pair {
        [one, two] => id(one) == id(two),
        _ => true,
    });
    if !present.is_empty() && present.iter().all(usable) && agree {
        return None;
    }
    let good = present
        .iter()
        .find(|id| usable(id))
        .and_then(|id| document.get(*id)?.as_str())
        .map(str::to_owned);
    let two = good.is_some();
    let id = good.unwrap_or_else(|| STAND_IN.to_owned());
    document.retain(|key, _| !IDS.contains(&key.as_str()));
    let note = if two {
        format!("the passport has two ids; the test takes `{id}`")
    } else {
        format!("the passport has no id that is an agent id; the test takes `{id}`")
    };
    document.insert("passport_id".to_owned(), id.into());
    Some(note)
}
