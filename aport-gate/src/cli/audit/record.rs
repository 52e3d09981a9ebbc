//! What a record says, and how it is shown.

use serde_json::{Value, json};

use crate::AuditRecord;
use crate::cli::output::{Output, Tone, one_line};

pub(super) fn agent(record: &AuditRecord) -> Option<&str> {
    text(record, "agent_id")
}

pub(super) fn pack(record: &AuditRecord) -> Option<&str> {
    text(record, "policy_id")
}

pub(super) fn tool(record: &AuditRecord) -> Option<&str> {
    text(record, "tool")
}

/// The idempotency key that an allowed call used up.
pub(super) fn key(record: &AuditRecord) -> Option<&str> {
    record.body.get("idempotency_key")?.as_str()
}

/// What a decision says; none for any other record.
pub(super) fn allowed(record: &AuditRecord) -> Option<bool> {
    record.body.get("decision")?.get("allow")?.as_bool()
}

/// A field of the decision, or of the record itself.
fn text<'r>(record: &'r AuditRecord, field: &str) -> Option<&'r str> {
    let of_decision = record
        .body
        .get("decision")
        .and_then(|decision| decision.get(field));
    of_decision.or_else(|| record.body.get(field))?.as_str()
}

/// The record as machines get it.
pub(super) fn to_json(record: &AuditRecord) -> Value {
    json!({
        "sequence": record.sequence, "at": record.at, "kind": record.kind,
        "decision_id": record.decision_id, "body": record.body,
        "previous": record.previous, "hash": record.hash,
    })
}

/// Names of what [`line`] shows.
pub(super) fn heading(output: &mut Output) {
    let heading = format!(
        "{:>7}  {:20}  {:8}  {:9}  {:36}  {:28}  WHAT",
        "NUMBER", "AT", "KIND", "RESULT", "DECISION", "AGENT"
    );
    let heading = output.tone(Tone::Faint, heading);
    output.line(heading);
}

/// One line for people. Its columns do not depend on other records, so that it can follow a log.
pub(super) fn line(output: &mut Output, record: &AuditRecord) {
    let (tone, result, what) = summary(record);
    let result = output.tone(tone, format_args!("{:9}", one_line(&result)));
    let second = record.at.get(..19).unwrap_or(&record.at);
    let line = format!(
        "{:>7}  {:20}  {:8}  {result}  {:36}  {:28}  {}",
        record.sequence,
        format!("{}Z", one_line(second)),
        one_line(&record.kind),
        one_line(record.decision_id.as_deref().unwrap_or("-")),
        one_line(agent(record).unwrap_or("-")),
        one_line(&what),
    );
    output.line(line.trim_end());
}

/// Result and what it is about.
fn summary(record: &AuditRecord) -> (Tone, String, String) {
    let field = |name: &str| text(record, name).unwrap_or("?").to_owned();
    match (record.kind.as_str(), allowed(record)) {
        ("decision", Some(true)) => (
            Tone::Good,
            "allow".to_owned(),
            format!("{} under {}", field("tool"), field("policy_id")),
        ),
        ("decision", _) => (
            Tone::Bad,
            "deny".to_owned(),
            format!(
                "{} under {}: {}",
                field("tool"),
                field("policy_id"),
                codes(record)
            ),
        ),
        ("outcome", _) => {
            let outcome = field("outcome");
            let tone = if outcome == "ok" {
                Tone::Good
            } else {
                Tone::Doubtful
            };
            (tone, outcome, format!("caps {}", field("reservation")))
        }
        ("refusal", _) => (
            Tone::Doubtful,
            "refused".to_owned(),
            format!(
                "{} under {}: {}",
                field("tool"),
                field("policy_id"),
                field("code")
            ),
        ),
        _ => (Tone::Doubtful, "?".to_owned(), String::new()),
    }
}

fn codes(record: &AuditRecord) -> String {
    let reasons = record
        .body
        .get("decision")
        .and_then(|decision| decision.get("reasons")?.as_array());
    let codes: Vec<&str> = reasons
        .into_iter()
        .flatten()
        .filter_map(|reason| reason.get("code")?.as_str())
        .collect();
    codes.join(", ")
}
