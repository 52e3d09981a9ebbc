//! Reading what a server says of a decision. It may say anything, in any size: what has another type than it
//! should have is left out, what is too long is cut, and a denial stays a denial.

use rmcp::model::CallToolResult;
use serde_json::{Map, Value};

use super::{DecisionSummary, DenialReason, Exceeded};

const DECISION_META: &str = "io.aport/decision";
const OUTCOME_META: &str = "io.aport/outcome";
const MOST_REASONS: usize = 100;
const MOST_ITEMS: usize = 100;
const LONGEST_TEXT: usize = 2000;
const LONGEST_NAME: usize = 200;

/// The decision that travels with a result, if one can be read.
pub(super) fn decision_of(result: &CallToolResult) -> Option<DecisionSummary> {
    read(&result.meta.as_ref()?.0)
}

/// The decision in the data of a JSON-RPC error: a body that answered so had been allowed.
pub(super) fn decision_in(data: Option<&Value>) -> Option<DecisionSummary> {
    read(data?.as_object()?)
}

fn read(meta: &Map<String, Value>) -> Option<DecisionSummary> {
    let value = meta.get(DECISION_META)?.as_object()?;
    let outcome = meta.get(OUTCOME_META).and_then(Value::as_object);
    let reservation = outcome.and_then(|outcome| outcome.get("reservation"));
    let reasons = value.get("reasons").and_then(Value::as_array);
    let reasons = reasons.into_iter().flatten().take(MOST_REASONS);
    Some(DecisionSummary {
        allow: value.get("allow")?.as_bool()?,
        decision_id: name(value, "decision_id"),
        policy_id: name(value, "policy_id"),
        agent_id: name(value, "agent_id"),
        reasons: reasons.filter_map(reason).collect(),
        nothing_executed: reservation.and_then(Value::as_str) == Some("released"),
    })
}

fn reason(value: &Value) -> Option<DenialReason> {
    let value = value.as_object()?;
    Some(DenialReason {
        code: name(value, "code")?,
        message: text(value, "message", LONGEST_TEXT).unwrap_or_default(),
        details: value.get("details").and_then(Value::as_object).map(details),
    })
}

fn details(value: &Map<String, Value>) -> Exceeded {
    let part = |name: &str| value.get(name).map(bounded).unwrap_or_default();
    Exceeded {
        rule: name(value, "rule"),
        field: name(value, "field"),
        actual: part("actual"),
        limit: part("limit"),
        used: part("used"),
        cap: part("cap"),
        retry_after: value.get("retry_after").and_then(Value::as_u64),
    }
}

fn name(value: &Map<String, Value>, member: &str) -> Option<String> {
    text(value, member, LONGEST_NAME)
}

fn text(value: &Map<String, Value>, member: &str, longest: usize) -> Option<String> {
    Some(line(value.get(member)?.as_str()?, longest))
}

/// One line, so that it forges none in a log.
pub(super) fn line(text: &str, longest: usize) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(longest).map(clean).collect()
}

/// Numbers, words, truth, and lists of these.
fn bounded(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(line(text, LONGEST_TEXT)),
        Value::Array(items) => {
            let flat = items.iter().take(MOST_ITEMS);
            flat.filter(|item| !item.is_array()).map(bounded).collect()
        }
        Value::Object(_) => Value::Null,
        plain => plain.clone(),
    }
}
