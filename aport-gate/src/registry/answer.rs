//! Decisions as answers, in both shapes that published SDKs read.

use aport_gate_oap::Decision;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::problem::{Problem, json_response};

/// All fields that the strict older clients take.
const OLD_FIELDS: [&str; 8] = [
    "decision_id",
    "allow",
    "reasons",
    "assurance_level",
    "expires_in",
    "passport_digest",
    "signature",
    "created_at",
];

/// The decision at the top level and, with the same content, as `decision`; or, for a client of the
/// older shape, the fields that it knows, with the whole signed decision in `_meta`.
pub(super) fn answer(decision: &Decision, is_old: bool) -> Result<Response, Problem> {
    let whole = document(decision)?;
    let body = if is_old {
        let mut known = known_to_old(&whole);
        known.insert("_meta".to_owned(), json!({ "decision": whole }));
        known
    } else {
        let mut body = whole.clone();
        body.insert("decision".to_owned(), Value::Object(whole));
        body
    };
    Ok(json_response(StatusCode::OK, &Value::Object(body)))
}

pub(super) fn document(decision: &Decision) -> Result<Map<String, Value>, Problem> {
    match serde_json::to_value(decision) {
        Ok(Value::Object(document)) => Ok(document),
        _ => Err(Problem::unavailable("the decision has no JSON form")),
    }
}

pub(super) fn known_to_old(whole: &Map<String, Value>) -> Map<String, Value> {
    let known = |field: &&str| Some(((*field).to_owned(), whole.get(*field)?.clone()));
    OLD_FIELDS.iter().filter_map(known).collect()
}
