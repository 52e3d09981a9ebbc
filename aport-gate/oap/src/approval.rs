//! Approval by a person: always, or above an amount.

use crate::reason::stage;
use crate::{Pack, Passport, Reason, ReasonDetails, digest_json};
use serde_json::{Map, Value};

/// Limits that name the amount above which a person has to approve, in minor units.
const THRESHOLDS: [&str; 9] = [
    "approval_threshold",
    "approval_limit",
    "approval_above",
    "approval_required_above",
    "approval_amount",
    "require_approval_above",
    "requires_approval_above",
    "human_approval_above",
    "auto_approve_limit",
];

/// Keys of `approval_required: {…}` that mean the same.
const INNER: [&str; 6] = ["above", "over", "threshold", "amount", "max", "min_amount"];

/// What asks for an approval.
enum Asked {
    Always,
    Above { amount: Value, limit: Value },
}

/// The reason to hold a call until a person approves it, if pack or passport ask for one. It names the digest
/// of the context, which is what is approved.
pub(crate) fn needed(
    pack: &Pack,
    passport: &Passport,
    context: &Map<String, Value>,
) -> Option<Reason> {
    let asked = if pack.asks_approval() {
        Asked::Always
    } else {
        by_passport(pack, passport, context)?
    };
    let digest = digest_json(&Value::Object(context.clone()))
        .map(|digest| format!(" (context {digest})"))
        .unwrap_or_default();
    let before = "a person has to approve this before it runs";
    let mut details = ReasonDetails {
        rule: "approval".to_owned(),
        ..ReasonDetails::default()
    };
    let message = match asked {
        Asked::Always => format!("{before}{digest}"),
        Asked::Above { amount, limit } => {
            let message = match &amount {
                Value::Null => {
                    format!(
                        "{before}: `amount` is not known, the approval limit is {limit}{digest}"
                    )
                }
                amount => {
                    format!("{before}: amount {amount} is over the approval limit {limit}{digest}")
                }
            };
            details.field = Some("amount".to_owned());
            details.actual = Some(amount).filter(|amount| !amount.is_null());
            details.limit = Some(limit);
            message
        }
    };
    Some(Reason {
        details: Some(details),
        ..stage("oap.approval_required", message)
    })
}

/// Every place that may ask is asked: a flag under one capability does not silence that of another, and the
/// root speaks where no capability does.
fn by_passport(pack: &Pack, passport: &Passport, context: &Map<String, Value>) -> Option<Asked> {
    // Most passports ask for nothing; the names that could are looked for once, when they are read.
    if !passport.asks_approval() {
        return None;
    }
    let limits = passport.limits()?;
    let mut scoped = false;
    for scope in pack.limit_scopes() {
        let flat = limits.get(scope.as_str()).and_then(Value::as_object);
        let mut parts = scope.split('.');
        let first = parts.next().and_then(|first| limits.get(first));
        let nested = first.and_then(|first| parts.try_fold(first, |at, part| at.get(part)));
        for object in [flat, nested.and_then(Value::as_object)]
            .into_iter()
            .flatten()
        {
            scoped |= object
                .get("approval_required")
                .is_some_and(|value| !value.is_null());
            if let Some(asked) = by_object(object, context) {
                return Some(asked);
            }
        }
    }
    if scoped {
        None
    } else {
        by_object(limits, context)
    }
}

/// Whether anything in the limits may ask for approval.
pub(crate) fn is_asked_in(limits: &Value) -> bool {
    match limits {
        Value::Object(map) => map.iter().any(|(key, value)| {
            key == "approval_required" || THRESHOLDS.contains(&key.as_str()) || is_asked_in(value)
        }),
        Value::Array(items) => items.iter().any(is_asked_in),
        _ => false,
    }
}

fn by_object(limits: &Map<String, Value>, context: &Map<String, Value>) -> Option<Asked> {
    let flag = limits
        .get("approval_required")
        .and_then(|value| match value {
            Value::Bool(false) | Value::Null => None,
            Value::Number(_) => above(value, context),
            Value::Object(map) => {
                let named = INNER.iter().find_map(|key| map.get(*key));
                above(named.unwrap_or(value), context)
            }
            _ => Some(Asked::Always),
        });
    let currency = context.get("currency").and_then(Value::as_str);
    let of_currency =
        currency.and_then(|currency| limits.get("currency_limits")?.get(currency)?.as_object());
    flag.or_else(|| {
        [Some(limits), of_currency]
            .into_iter()
            .flatten()
            .find_map(|object| {
                THRESHOLDS.iter().find_map(|name| {
                    above(object.get(*name).filter(|value| !value.is_null())?, context)
                })
            })
    })
}

/// A number, or a number for each currency. What is neither, and an amount that is not known, asks.
fn above(limit: &Value, context: &Map<String, Value>) -> Option<Asked> {
    let limit = match limit {
        Value::Object(by_currency) => {
            let currency = context.get("currency").and_then(Value::as_str);
            match currency.and_then(|currency| by_currency.get(currency)) {
                Some(limit) => limit,
                None => return Some(Asked::Always),
            }
        }
        limit => limit,
    };
    let Some(most) = limit.as_f64() else {
        return Some(Asked::Always);
    };
    let amount = context.get("amount").cloned().unwrap_or_default();
    match amount.as_f64() {
        Some(number) if number <= most => None,
        known => Some(Asked::Above {
            amount: known.map_or(Value::Null, |_| amount),
            limit: limit.clone(),
        }),
    }
}
