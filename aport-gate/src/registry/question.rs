//! What a verification request asks, in both shapes that published SDKs send.

use aport_gate_oap::{AgentId, Digest, PackId, digest_json};
use serde_json::{Map, Value};

use super::problem::Problem;

/// A question, taken from `{"context": {"agent_id", "policy_id", …}}`, from the older
/// `{"agent_id", "idempotency_key", "context": {…}}`, or from a body that is both.
pub(super) struct Question {
    pub(super) agent: AgentId,
    pub(super) pack: PackId,
    pub(super) context: Map<String, Value>,
    pub(super) digest: Digest,
    /// The older shape alone: its clients take no answer with fields that they do not know.
    pub(super) is_old: bool,
    pub(super) passport: Option<Value>,
    pub(super) policy: Option<Value>,
}

/// Name of the path that says: the policy is in the body.
pub(super) const IN_BODY: &str = "IN_BODY";

impl Question {
    /// `path` is the pack's id as the path has it.
    pub(super) fn read(path: &str, mut body: Map<String, Value>) -> Result<Self, Problem> {
        let mut context = match take(&mut body, "context") {
            Some(Value::Object(context)) => context,
            Some(_) => return Err(Problem::invalid("`context` must be an object")),
            None => return Err(Problem::invalid("`context` is missing")),
        };
        let passport = take(&mut body, "passport");
        let policy = take(&mut body, "policy");
        let of_passport = |field| passport.as_ref().and_then(|passport| passport.get(field));
        let is_old = body.contains_key("agent_id") && !context.contains_key("policy_id");
        let agent = one_of(
            "agent_id",
            [
                body.get("agent_id"),
                context.get("agent_id"),
                of_passport("agent_id"),
                of_passport("passport_id"),
            ],
        )?
        .ok_or_else(|| Problem::invalid("`agent_id` is missing"))?;
        let agent = AgentId::parse(&agent).map_err(|error| Problem::invalid(error.to_string()))?;
        let of_policy = policy.as_ref().and_then(|policy| policy.get("id"));
        let of_path = (path != IN_BODY).then(|| Value::from(path));
        let pack = one_of(
            "policy_id",
            [
                of_path.as_ref(),
                body.get("policy_id"),
                context.get("policy_id"),
                of_policy,
            ],
        )?
        .ok_or_else(|| Problem::invalid("`policy` with an `id` is missing"))?;
        let pack = PackId::parse(&pack).map_err(|error| Problem::invalid(error.to_string()))?;
        let key = one_of(
            "idempotency_key",
            [body.get("idempotency_key"), context.get("idempotency_key")],
        )?;
        if let Some(key) = key {
            context.insert("idempotency_key".to_owned(), key.into());
        }
        context.insert("agent_id".to_owned(), agent.as_str().into());
        context.insert("policy_id".to_owned(), pack.as_str().into());
        let context = Value::Object(context);
        let digest = digest_json(&context)
            .map_err(|error| Problem::invalid(format!("`context` cannot be digested: {error}")))?;
        let Value::Object(context) = context else {
            return Err(Problem::invalid("`context` must be an object"));
        };
        Ok(Self {
            agent,
            pack,
            context,
            digest,
            is_old,
            passport,
            policy,
        })
    }
}

/// `null` counts as absent: the published SDKs send it for what was not given.
fn take(body: &mut Map<String, Value>, field: &str) -> Option<Value> {
    body.remove(field).filter(|value| !value.is_null())
}

/// The text that all places which have one agree on.
fn one_of<'v>(
    field: &str,
    places: impl IntoIterator<Item = Option<&'v Value>>,
) -> Result<Option<String>, Problem> {
    let mut found: Option<&str> = None;
    for value in places.into_iter().flatten() {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.as_str(),
            _ => return Err(Problem::invalid(format!("`{field}` must be a string"))),
        };
        match found {
            Some(known) if known != text => {
                let message = format!("`{field}` is there twice, with different values");
                return Err(Problem::invalid(message));
            }
            _ => found = Some(text),
        }
    }
    Ok(found.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PACK: &str = "finance.payment.refund.v1";

    fn read(path: &str, body: Value) -> Result<Question, Problem> {
        let Value::Object(body) = body else {
            panic!("not an object")
        };
        Question::read(path, body)
    }

    #[test]
    fn all_shapes_ask_the_same() {
        let old = read(
            PACK,
            json!({"agent_id": "ap_1", "idempotency_key": "key-0001", "context": {"amount": 1}, "passport": null}),
        )
        .unwrap();
        let new = read(
            PACK,
            json!({"context": {"agent_id": "ap_1", "policy_id": PACK, "idempotency_key": "key-0001", "amount": 1}}),
        )
        .unwrap();
        let both = read(
            PACK,
            json!({"agent_id": "ap_1", "context": {"agent_id": "ap_1", "policy_id": PACK, "idempotency_key": "key-0001", "amount": 1}}),
        )
        .unwrap();
        assert_eq!(old.digest, new.digest);
        assert_eq!(old.digest, both.digest);
        assert!(old.is_old && !new.is_old && !both.is_old);
        assert!(old.passport.is_none());
    }

    #[test]
    fn places_that_disagree_are_refused() {
        for body in [
            json!({"agent_id": "ap_1", "context": {"agent_id": "ap_2"}}),
            json!({"agent_id": "ap_1", "context": {}, "passport": {"passport_id": "ap_2"}}),
            json!({"agent_id": "ap_1", "context": {"policy_id": "code.repository.merge.v1"}}),
            json!({"agent_id": "ap_1", "policy_id": "a.v1", "context": {}}),
            json!({"agent_id": "ap_1", "context": {}, "policy": {"id": "a.v1"}}),
            json!({"agent_id": "ap_1", "idempotency_key": "a", "context": {"idempotency_key": "b"}}),
            json!({"agent_id": 1, "context": {}}),
            json!({"agent_id": "someone", "context": {}}),
            json!({"agent_id": "ap_1", "context": []}),
            json!({"agent_id": "ap_1"}),
            json!({"context": {}}),
            json!({"agent_id": "ap_1", "context": {"amount": 9_007_199_254_740_993_u64}}),
        ] {
            assert!(read(PACK, body.clone()).is_err(), "{body}");
        }
        assert!(read(IN_BODY, json!({"agent_id": "ap_1", "context": {}})).is_err());
        assert!(read("No Pack", json!({"agent_id": "ap_1", "context": {}})).is_err());
    }
}
