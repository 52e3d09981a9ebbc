//! What a caller can do about a denial.

use std::time::Duration;

use aport_gate_oap::Window;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{Denial, DenialReason, Exceeded};

/// The one reason without a number that a smaller number can cure: packs
/// demand a higher assurance level for a larger amount.
const ASSURANCE: &str = "oap.assurance_insufficient";

/// The call's idempotency key has been used: a call with it was allowed before.
const KEY_USED: [&str; 2] = ["oap.idempotency_conflict", "gate.idempotency_key_used"];

/// The arguments are none that the tool, or its policy, knows.
const MALFORMED: [&str; 2] = ["oap.invalid_context", "gate.invalid_arguments"];

/// Reasons of a gate that could not decide now, and may in a moment.
const PASSING: [&str; 15] = [
    "gate.timeout",
    "gate.verifier_timeout",
    "gate.cancelled",
    "gate.ledger_unavailable",
    "gate.facts_unavailable",
    "gate.redaction_unavailable",
    "gate.passport_unreadable",
    "gate.passport_unverified",
    "gate.registry_timeout",
    "gate.registry_paused",
    "gate.registry_unavailable",
    "gate.registry_unreachable",
    "gate.signing_keys_unavailable",
    "gate.wrong_passport",
    "gate.wrong_request",
];

/// Longest wait that a decision may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What a caller can do about a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DenialClass {
    /// No arguments and no waiting help: a suspended passport, a capability that is missing, a key that was
    /// used, facts that rule the call out, a request that needs a person. Escalate.
    Final,
    /// Other arguments could pass: each reason names a value, and what would have passed instead.
    Adjustable,
    /// The same call could pass later: a window of time is full, or the gate could not decide now.
    Transient,
}

impl Denial {
    /// What a caller can do about it, by its reason codes. The hardest reason counts: one that is final makes
    /// the denial final.
    ///
    /// ```
    /// # use aport_gate::{ClientError, DenialClass};
    /// # fn handle(error: ClientError) {
    /// if let Some(denial) = error.denial() {
    ///     match denial.class() {
    ///         DenialClass::Adjustable => println!("ask for less: {denial}"),
    ///         DenialClass::Transient => println!("again in {:?}", denial.retry_after()),
    ///         _ => println!("ask a person: {denial}"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn class(&self) -> DenialClass {
        let mut classes = self.reasons.iter().map(|reason| class_of(reason, self));
        let Some(first) = classes.next() else {
            return DenialClass::Final;
        };
        classes.fold(first, |worst, next| match (worst, next) {
            (DenialClass::Final, _) | (_, DenialClass::Final) => DenialClass::Final,
            (DenialClass::Transient, _) | (_, DenialClass::Transient) => DenialClass::Transient,
            (DenialClass::Adjustable, DenialClass::Adjustable) => DenialClass::Adjustable,
        })
    }

    /// How long to wait before the same call could pass: as a reason says, or until the minute, hour or day
    /// (UTC) is over whose counter is full. The longest of all reasons, at most a day.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_at(Timestamp::now())
    }

    pub(super) fn retry_after_at(&self, now: Timestamp) -> Option<Duration> {
        let details = self
            .reasons
            .iter()
            .filter_map(|reason| reason.details.as_ref());
        let waits = details.filter_map(|details| {
            let told = details.retry_after.map(Duration::from_secs);
            told.or_else(|| {
                is_full(details)
                    .then(|| rest_of(window(details)?, now))
                    .flatten()
            })
        });
        Some(waits.max()?.min(LONGEST_WAIT))
    }

    /// Whether a call with the same idempotency key was allowed before. It may have run.
    pub fn key_was_used(&self) -> bool {
        KEY_USED.iter().any(|code| self.has_code(code))
    }

    /// Whether the arguments themselves are wrong, such as a currency that is none, and nothing else is final: the
    /// call could pass with correct ones. Which those are, the reasons tell in words only.
    pub fn is_malformed(&self) -> bool {
        let is_of_arguments = |reason: &DenialReason| MALFORMED.contains(&reason.code.as_str());
        let mut rest = self
            .reasons
            .iter()
            .filter(|reason| !is_of_arguments(reason));
        self.reasons.iter().any(is_of_arguments)
            && rest.all(|reason| class_of(reason, self) != DenialClass::Final)
    }

    /// Whether a smaller or larger number could cure it: a number is wrong, and nothing is wrong that a
    /// number could not cure.
    pub(super) fn is_numeric(&self) -> bool {
        self.exceeded().next().is_some()
            && self.reasons.iter().all(|reason| {
                reason.code == ASSURANCE || reason.details.as_ref().is_some_and(is_curable)
            })
    }

    /// The comparisons of numbers that failed, and that another argument could cure.
    pub(super) fn exceeded(&self) -> impl Iterator<Item = &Exceeded> {
        let details = self
            .reasons
            .iter()
            .filter_map(|reason| reason.details.as_ref());
        details.filter(|details| is_curable(details))
    }
}

fn class_of(reason: &DenialReason, denial: &Denial) -> DenialClass {
    if PASSING.contains(&reason.code.as_str()) {
        return DenialClass::Transient;
    }
    // Whatever a server adds to these: no other argument makes them pass.
    if KEY_USED.contains(&reason.code.as_str())
        || reason.code.starts_with("gate.")
        || reason.code.starts_with("oap.passport_")
    {
        return DenialClass::Final;
    }
    if reason.code == ASSURANCE && denial.exceeded().next().is_some() {
        return DenialClass::Adjustable;
    }
    let Some(details) = &reason.details else {
        return DenialClass::Final;
    };
    if is_full(details) || (details.retry_after.is_some() && !leaves_something(details)) {
        return DenialClass::Transient;
    }
    let names_another = match &details.limit {
        Value::Number(_) => details.is_numeric() && leaves_something(details),
        Value::Array(accepted) => !accepted.is_empty(),
        Value::String(_) | Value::Bool(_) => true,
        Value::Null | Value::Object(_) => false,
    };
    match details.argument() {
        Some(_) if names_another => DenialClass::Adjustable,
        _ => DenialClass::Final,
    }
}

fn is_curable(details: &Exceeded) -> bool {
    details.is_numeric() && !is_full(details)
}

/// Whether nothing is left of a cap over time. Where calls are counted, the limit is the cap itself, and no
/// argument changes what was used of it.
fn is_full(details: &Exceeded) -> bool {
    let Some(used) = details.used.as_f64() else {
        return false;
    };
    let counts_calls = used > 0.0 && !details.cap.is_null() && details.limit == details.cap;
    counts_calls || details.limit.as_f64().is_some_and(|left| left <= 0.0)
}

/// The window of a counter, by its name or its rule's: no decision says it otherwise.
fn window(details: &Exceeded) -> Option<Window> {
    let names = [details.field.as_deref(), details.rule.as_deref()];
    let names = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let names = names.to_ascii_lowercase();
    let known = [
        ("minute", Window::Minute),
        ("hour", Window::Hour),
        ("daily", Window::Day),
        ("day", Window::Day),
    ];
    let found = known.into_iter().find(|(name, _)| names.contains(name))?;
    Some(found.1)
}

/// Time until the window is over, and a second for clocks that differ.
fn rest_of(window: Window, now: Timestamp) -> Option<Duration> {
    let (_, end) = window.bounds(now);
    let rest = end.saturating_sub(now.as_second()).saturating_add(1);
    u64::try_from(rest).ok().map(Duration::from_secs)
}

/// Whether a smaller number than the one that was asked for would have passed.
fn leaves_something(details: &Exceeded) -> bool {
    details.field.is_some() && details.limit.as_f64().is_some_and(|limit| limit > 0.0)
}
