//! A passport together with its whole document: what this version does not know is kept.

use aport_gate_oap::{AgentId, Passport, parse_json};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// A document that a verifier takes for a passport.
pub(crate) struct Document {
    map: Map<String, Value>,
    passport: Passport,
}

impl Document {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value =
            parse_json(bytes).map_err(|error| format!("it is not acceptable JSON: {error}"))?;
        match value {
            Value::Object(map) => Self::new(map),
            _ => Err("it must be a JSON object".to_owned()),
        }
    }

    /// Checks the document as a verifier will.
    pub(crate) fn new(map: Map<String, Value>) -> Result<Self, String> {
        let text = Value::Object(map.clone()).to_string();
        let passport = Passport::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(Self { map, passport })
    }

    /// Insists on whose passport it is.
    pub(crate) fn of(self, agent: &AgentId) -> Result<Self, String> {
        let holder = self.passport.agent_id();
        if holder == agent {
            Ok(self)
        } else {
            Err(format!(
                "it is the passport of `{holder}`, not of `{agent}`"
            ))
        }
    }

    pub(crate) fn passport(&self) -> &Passport {
        &self.passport
    }

    pub(crate) fn map(&self) -> &Map<String, Value> {
        &self.map
    }

    /// The document with these keys in place of its own, changed now.
    pub(crate) fn with(
        &self,
        keys: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<Self, String> {
        let mut map = self.map.clone();
        for (key, value) in keys {
            map.insert(key.to_owned(), value);
        }
        map.insert("updated_at".to_owned(), now().into());
        Self::new(map)
    }

    /// The file's content.
    pub(crate) fn text(&self) -> String {
        format!("{:#}\n", Value::Object(self.map.clone()))
    }
}

/// The current time, to the second.
pub(crate) fn now() -> String {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second())
        .unwrap_or(now)
        .to_string()
}
