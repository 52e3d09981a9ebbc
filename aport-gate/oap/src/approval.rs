//! Approval by a person: always, or above an amount.

mod name;
mod request;

pub(crate) use name::Name;
pub(crate) use request::{Request, requests, requests_of_passport};

use request::asks_in_passport;

use crate::reason::stage;
use crate::{Pack, Passport, Reason, ReasonDetails, digest_json};
use serde_json::{Map, Value};

/// Keys of `approval_required: {…}` that mean the same.
const INNER: [&str; 6] = ["above", "over", "threshold", "amount", "max", "min_amount"];

/// What asks for an approval.
enum Asked {
    Always,
    /// Always, since what stands at this place of the pack is not understood.
    Unread(String),
    Above {
        amount: Value,
        limit: Value,
    },
}

/// The reason to hold a call until a person approves it, if pack or passport ask for one. It names the digest
/// of the context, which is what is approved.
pub(crate) fn needed(
    pack: &Pack,
    passport: &Passport,
    context: &Map<String, Value>,
) -> Option<Reason> {
    let asked = by_pack(pack, context).or_else(|| by_passport(pack, passport, context))?;
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
        Asked::Unread(place) => {
            format!(
                "{before}: the pack's `{place}` is not understood, so every call is asked for{digest}"
            )
        }
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

/// Each thing that the pack says counts.
fn by_pack(pack: &Pack, context: &Map<String, Value>) -> Option<Asked> {
    let mut requests = pack.approvals().iter();
    requests.find_map(|request| match (request.name, &request.value) {
        _ if request.is_off() => None,
        (Name::Flag, Value::String(text)) if text == "true" => Some(Asked::Always),
        (Name::Alike, _) => Some(Asked::Always),
        _ if !request.is_understood() => Some(Asked::Unread(request.place.clone())),
        (Name::Flag, value) => by_flag(value, context),
        (Name::Threshold, value) => above(value, context),
    })
}

/// Every place that may ask is asked: a flag under one capability does not silence that of another, and what stands
/// above the capabilities speaks where none of them does.
fn by_passport(pack: &Pack, passport: &Passport, context: &Map<String, Value>) -> Option<Asked> {
    // Most passports ask for nothing; the names that could are looked for once, when they are read.
    if !passport.asks_approval() {
        return None;
    }
    let none = Map::new();
    let limits = passport.limits().unwrap_or(&none);
    let mut scoped = false;
    let mut above = vec![limits];
    for scope in pack.limit_scopes() {
        let flat = limits.get(scope.as_str()).and_then(Value::as_object);
        let mut parts = scope.split('.');
        let first = parts.next().and_then(|first| limits.get(first));
        let nested = first.and_then(|first| parts.try_fold(first, |at, part| at.get(part)));
        let limits_of = [flat, nested.and_then(Value::as_object)];
        for object in limits_of
            .into_iter()
            .flatten()
            .chain(passport.capability_entries(scope))
        {
            scoped |= object
                .get("approval_required")
                .is_some_and(|value| !value.is_null());
            if let Some(asked) = by_object(object, pack, context) {
                return Some(asked);
            }
        }
        families(limits, scope, &mut above);
    }
    if scoped {
        return None;
    }
    above.extend(passport.as_value().as_object());
    above
        .into_iter()
        .find_map(|object| by_object(object, pack, context))
}

/// The limits of all capabilities that begin as this one does: `finance` and `finance.payment`.
fn families<'p>(
    limits: &'p Map<String, Value>,
    capability: &str,
    found: &mut Vec<&'p Map<String, Value>>,
) {
    for (at, _) in capability.match_indices('.') {
        let (first, rest) = capability.split_at(at);
        if let Some(family) = limits.get(first).and_then(Value::as_object) {
            found.push(family);
            families(family, rest.trim_start_matches('.'), found);
        }
    }
}

/// Whether a limit of this name asks for approval, in any pack.
pub(crate) fn reads_limit(name: &str) -> bool {
    Name::of(name).is_some()
}

/// Whether a passport may ask for approval.
pub(crate) fn is_asked_by(passport: &Map<String, Value>) -> bool {
    let asks = |part: &str| passport.get(part).is_some_and(is_asked_in);
    asks("limits") || asks("capabilities") || passport.keys().any(|key| Name::of(key).is_some())
}

fn is_asked_in(limits: &Value) -> bool {
    match limits {
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| Name::of(key).is_some() || is_asked_in(value)),
        Value::Array(items) => items.iter().any(is_asked_in),
        _ => false,
    }
}

/// Each name that asks counts, as do the limits of the call's currency; where that is not among them, those of all.
fn by_object(
    limits: &Map<String, Value>,
    pack: &Pack,
    context: &Map<String, Value>,
) -> Option<Asked> {
    let currencies = limits.get("currency_limits").and_then(Value::as_object);
    let asked = [Some(limits), currencies]
        .into_iter()
        .flatten()
        .find_map(|object| by_names(object, pack, context));
    asked.or_else(|| {
        let is_of = |name: &str, currency: &str| name.eq_ignore_ascii_case(currency);
        let currency = context
            .get("currency")
            .and_then(Value::as_str)
            .filter(|currency| {
                currencies.is_some_and(|all| all.keys().any(|one| is_of(one, currency)))
            });
        currencies?
            .iter()
            .filter(|(name, _)| currency.is_none_or(|currency| is_of(name, currency)))
            .find_map(|(_, limits)| by_names(limits.as_object()?, pack, context))
    })
}

fn by_names(
    limits: &Map<String, Value>,
    pack: &Pack,
    context: &Map<String, Value>,
) -> Option<Asked> {
    limits.iter().find_map(|(key, value)| match Name::of(key)? {
        Name::Flag => by_flag(value, context),
        Name::Threshold if value.is_null() => None,
        Name::Threshold => above(value, context),
        // An object may hold the limits of another capability; what a rule reads is for the rule.
        Name::Alike => (asks_in_passport(value) && !pack.names_limit(key)).then_some(Asked::Always),
    })
}

/// `approval_required`. What is not understood asks.
fn by_flag(value: &Value, context: &Map<String, Value>) -> Option<Asked> {
    match value {
        Value::Bool(false) | Value::Null => None,
        // As much a flag as an amount.
        Value::Number(one) if one.as_f64() == Some(1.0) => Some(Asked::Always),
        Value::Number(_) => above(value, context),
        Value::Object(map) => {
            let currency = context.get("currency").and_then(Value::as_str);
            let amounts = || {
                let named = INNER.iter().copied().chain(currency);
                named.filter_map(|key| map.get(key))
            };
            if amounts().next().is_none() {
                return Some(Asked::Always);
            }
            amounts().find_map(|limit| above(limit, context))
        }
        _ => Some(Asked::Always),
    }
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
        Some(number) if number.abs() <= most => None,
        known => Some(Asked::Above {
            amount: known.map_or(Value::Null, |_| amount),
            limit: limit.clone(),
        }),
    }
}
