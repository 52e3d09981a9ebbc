//! A tool's answer, as a client reads it.

use serde_json::Value;

/// The `result` of one `tools/call`.
#[derive(Clone, Debug)]
pub struct Answer(pub Value);

impl Answer {
    /// Whether the tool ran and reported no error.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.0["isError"] != Value::Bool(true)
    }

    /// The first text block.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0["content"][0]["text"].as_str().unwrap_or_default()
    }

    /// The decision that every result carries.
    #[must_use]
    pub fn decision(&self) -> &Value {
        &self.0["_meta"]["io.aport/decision"]
    }

    /// Id of the decision; empty for a call that got none.
    #[must_use]
    pub fn decision_id(&self) -> &str {
        self.decision()["decision_id"].as_str().unwrap_or_default()
    }

    /// Codes of the decision's reasons, in order.
    #[must_use]
    pub fn codes(&self) -> Vec<&str> {
        let reasons = self.decision()["reasons"].as_array();
        reasons
            .into_iter()
            .flatten()
            .filter_map(|reason| reason["code"].as_str())
            .collect()
    }
}
