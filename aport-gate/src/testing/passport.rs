//! Passports for tests.

use serde_json::{Map, Value, json};

/// An active passport of assurance level L2 for one agent, with what a test adds.
///
/// ```
/// use aport_gate::testing::TestPassport;
/// use serde_json::json;
///
/// let passport = TestPassport::new("ap_desk").capability(
///     "finance.payment.refund",
///     json!({
///         "currency_limits": { "USD": { "max_per_tx": 5000, "daily_cap": 10000 } },
///         "reason_codes": ["customer_request"],
///     }),
/// );
/// assert_eq!(passport.document()["capabilities"][0]["id"], "finance.payment.refund");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct TestPassport {
    document: Map<String, Value>,
}

impl TestPassport {
    /// A passport without capabilities, in region US.
    pub fn new(agent_id: &str) -> Self {
        let document = json!({
            "passport_id": agent_id, "kind": "instance", "spec_version": "oap/1.0",
            "owner_id": "org_test", "owner_type": "org", "assurance_level": "L2",
            "status": "active", "capabilities": [], "limits": {}, "regions": ["US"],
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
            "version": "1.0.0",
        });
        Self {
            document: into_object(document),
        }
    }

    /// A passport from a whole document.
    ///
    /// # Panics
    /// When it is no JSON object.
    #[track_caller]
    pub fn from_document(document: Value) -> Self {
        Self {
            document: into_object(document),
        }
    }

    /// Adds a capability with its limits, which are a JSON object; `{}` for none.
    pub fn capability(mut self, id: &str, limits: Value) -> Self {
        if let Some(Value::Array(held)) = self.document.get_mut("capabilities") {
            held.push(json!({ "id": id }));
        }
        if let Some(Value::Object(all)) = self.document.get_mut("limits") {
            all.insert(id.to_owned(), limits);
        }
        self
    }

    /// Sets any field of the document, such as `status`, `regions` or `assurance_level`.
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.document.insert(name.to_owned(), value.into());
        self
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> Value {
        Value::Object(self.document.clone())
    }

    /// The agent, as the document says it.
    #[must_use]
    pub fn agent_id(&self) -> &str {
        let id = ["passport_id", "agent_id"]
            .iter()
            .find_map(|field| self.document.get(*field)?.as_str());
        id.unwrap_or_default()
    }
}

#[track_caller]
fn into_object(document: Value) -> Map<String, Value> {
    match document {
        Value::Object(map) => map,
        other => panic!("a passport is a JSON object, not {other}"),
    }
}
