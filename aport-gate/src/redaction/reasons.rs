//! Reasons that may quote what is redacted.
//!
//! What a rule says is made of what it reads, so a reason is judged by the fields that its rule reads,
//! not by whether a value is found in its text: a short value is in many texts, and a cut, escaped or
//! computed one is in none.

use aport_gate_oap::{Digest, Pack, Reason, ReasonDetails};

use super::Redacted;

/// Reasons of the gate itself that are about the passport, and quote nothing of the context.
const ABOUT_NO_FIELD: [&str; 10] = [
    "oap.allowed",
    "oap.passport_not_found",
    "oap.passport_draft",
    "oap.passport_suspended",
    "oap.passport_revoked",
    "oap.passport_expired",
    "oap.passport_not_yet_valid",
    "oap.unknown_capability",
    "oap.assurance_insufficient",
    "oap.idempotency_conflict",
];

/// Takes everything out of reasons that may come from a redacted field.
pub(crate) fn redact(reasons: &mut [Reason], pack: &Pack, redacted: &Redacted, context: Digest) {
    for reason in reasons {
        if !may_quote(reason, pack, redacted) {
            continue;
        }
        reason.message = message(reason, pack, redacted, context);
        if let Some(details) = &mut reason.details {
            redact_details(details, redacted);
        }
    }
}

fn may_quote(reason: &Reason, pack: &Pack, redacted: &Redacted) -> bool {
    let Some(details) = &reason.details else {
        return match reason.code.as_str() {
            code if ABOUT_NO_FIELD.contains(&code) => false,
            "oap.region_blocked" => redacted.hides("region"),
            _ => true,
        };
    };
    let field = details.field.as_deref().unwrap_or("context");
    let by_stage = match details.rule.as_str() {
        "required_context" => Some(field == "context" || of_hidden(field, redacted).is_some()),
        "capability_parameters" => Some(redacted.hides("amount")),
        // It names the digest of the context as the rules saw it.
        "approval" => Some(true),
        _ => None,
    };
    let by_rule = pack
        .rule_reads(&details.rule)
        .map(|reads| reads.touch(|read| redacted.reaches(read)));
    match (by_stage, by_rule) {
        (None, None) => true,
        (stage, rule) => stage.unwrap_or(false) || rule.unwrap_or(false),
    }
}

/// The redacted field that a path leads into.
fn of_hidden<'r>(path: &str, redacted: &'r Redacted) -> Option<&'r str> {
    let path = path.strip_prefix("context.").unwrap_or(path);
    redacted.fields().find(|hidden| {
        // As a JSON pointer escapes it.
        let escaped = hidden
            .replace('~', "~0")
            .replace('/', "~1")
            .replace('/', ".");
        [*hidden, escaped.as_str()].iter().any(|hidden| {
            let rest = path.strip_prefix(hidden);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    })
}

fn message(reason: &Reason, pack: &Pack, redacted: &Redacted, context: Digest) -> String {
    let details = reason.details.as_ref();
    let name = details.map_or("", |details| details.rule.as_str());
    if name == "approval" {
        return format!("a person has to approve this before it runs (context {context})");
    }
    let field = details.and_then(|details| details.field.as_deref());
    let field = field.and_then(|field| of_hidden(field, redacted));
    if name == "required_context" {
        return match (field, details.and_then(|details| details.field.as_deref())) {
            (Some(hidden), Some(path)) if reason.message == format!("`{path}` is missing") => {
                format!("`{hidden}` is missing, or a part of it")
            }
            (Some(hidden), _) => format!("`{hidden}` is not accepted; its value is redacted"),
            (None, _) => "the context is not accepted; its values are redacted".to_owned(),
        };
    }
    // The pack's own words, where they have no places for values.
    let rule = pack.rules().iter().find(|rule| rule.name() == name);
    let words = rule.and_then(|rule| {
        let fixed = rule.message().filter(|message| !message.contains('{'));
        fixed.or_else(|| rule.description())
    });
    match (words, rule) {
        (Some(words), _) => format!("{words}; the values are redacted"),
        (None, Some(rule)) => {
            let name = rule.name();
            format!("rule `{name}` does not hold; the values are redacted")
        }
        (None, None) => format!("denied with `{}`; the values are redacted", reason.code),
    }
}

fn redact_details(details: &mut ReasonDetails, redacted: &Redacted) {
    let path = details.field.take();
    // What follows the field may be a key or an index of the value itself.
    details.field = path.map(|path| match of_hidden(&path, redacted) {
        Some(hidden) => hidden.to_owned(),
        None => root(&path).to_owned(),
    });
    if let Some(actual) = details.actual.take() {
        details.actual = redacted.digest(&actual).ok().map(Into::into);
    }
    // May be computed from it.
    (details.limit, details.used, details.cap) = (None, None, None);
}

fn root(path: &str) -> &str {
    let path = path.strip_prefix("context.").unwrap_or(path);
    path.split(['.', '[']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
