//! How the errors of a call are told: what went wrong, and what to look for.

use std::error::Error;

use rmcp::service::ServiceError;

use super::received::line;
use super::{ClientError, DecisionSummary, Denial};

/// Longest part of a key that a message shows, in characters.
const LONGEST_KEY: usize = 200;

/// What to look for.
pub(super) fn traces(decision: Option<&DecisionSummary>, key: Option<&str>) -> String {
    let decision = decision.and_then(|decision| decision.decision_id.as_deref());
    let decision = decision.map(|id| format!("; decision `{id}`"));
    let key = key.map(|key| format!("; idempotency key `{}`", line(key, LONGEST_KEY)));
    [decision, key].into_iter().flatten().collect()
}

/// Of a denial for its key: that another call was allowed under it.
pub(super) fn earlier(denial: &Denial) -> String {
    if !denial.key_was_used() {
        return String::new();
    }
    let key = denial.idempotency_key.as_deref();
    let key = key.map_or_else(
        || "the same idempotency key".to_owned(),
        |key| format!("idempotency key `{}`", line(key, LONGEST_KEY)),
    );
    format!("; an earlier call with {key} was allowed, and may have run")
}

/// Of a request without an answer.
pub(super) fn unanswered(may_have_run: bool) -> &'static str {
    match may_have_run {
        true => "it is unknown whether it ran",
        false => "no tool was called",
    }
}

pub(super) fn protocol(tool: &str, message: &str, may_have_run: bool) -> String {
    match may_have_run {
        false => format!("server refused the request `{tool}`: {message}"),
        true => format!(
            "server answered `{tool}` with an error, so it is unknown whether it ran: {message}"
        ),
    }
}

pub(super) fn unknown(
    tool: &str,
    key: Option<&str>,
    earlier_start: bool,
    last: &ClientError,
) -> String {
    let key = key.map(|key| line(key, LONGEST_KEY));
    let is_used = last.denial().is_some_and(Denial::key_was_used);
    match (is_used, key) {
        (true, Some(key)) => format!("the key `{key}` of this call of `{tool}` was used already"),
        (true, None) => format!("the key of this call of `{tool}` was used already"),
        (false, key) if earlier_start => {
            let key = key.map_or_else(String::new, |key| format!(" (idempotency key `{key}`)"));
            format!("an earlier start of this program may have made this call of `{tool}`{key}")
        }
        (false, Some(key)) => format!("an answer of `{tool}` was lost (idempotency key `{key}`)"),
        (false, None) => format!("an answer of `{tool}` was lost"),
    }
}

/// The key was named before.
pub(super) fn at_last(last: &ClientError) -> String {
    match last {
        ClientError::Denied(denial) if denial.key_was_used() => denial.to_string(),
        other => other.to_string(),
    }
}

pub(super) fn told(error: &ServiceError) -> String {
    match error {
        ServiceError::TransportSend(error) => super::unsent::cause(error.error.as_ref()),
        other => chain(other),
    }
}

/// An error with its causes, innermost last: what rmcp wraps says little by itself.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_told = cause.to_string();
        if !told.contains(&cause_told) {
            told = format!("{told}: {cause_told}");
        }
        next = cause.source();
    }
    line(&told, 1000)
}
