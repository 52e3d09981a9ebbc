//! One thing that both a stage and a rule of the pack have against a call, or two of its rules: told once. Published
//! packs ask again in rules for what is asked of every call, under the same codes.

use crate::{Pack, Passport, Reason, ReasonDetails, Rule};
use serde_json::Value;

/// Codes that validators give in place of those of their rules, where a list of the passport leaves something out.
const BY_LIST: [&str; 3] = [
    "oap.path_not_allowed",
    "oap.command_not_allowed",
    "oap.domain_not_allowed",
];

/// Adds the reason of a rule, unless it is told already. The first `stages` reasons are not of rules.
pub(crate) fn add(
    reasons: &mut Vec<Reason>,
    stages: usize,
    reason: Reason,
    rule: &Rule,
    (pack, passport): (&Pack, &Passport),
) {
    let of_stage = reasons.iter_mut().take(stages).find(|known| {
        let of_rule = reason.details.as_ref();
        let same = |told: &ReasonDetails| {
            of_rule.is_some_and(|other| {
                (&told.field, &told.actual, &told.limit)
                    == (&other.field, &other.actual, &other.limit)
            })
        };
        known.code == reason.code
            && known.details.as_ref().is_none_or(same)
            && repeats(&reason, pack, passport)
    });
    if let Some(known) = of_stage {
        if known.details.is_some() {
            return;
        }
        // What the pack's author has to say goes before what is said of every call, and so does a level that the
        // rule asks for in place of the pack's lowest one.
        if rule.message().is_some() || is_of_level(&reason) {
            known.message = reason.message;
        }
        known.details = reason.details;
        return;
    }
    if BY_LIST.contains(&reason.code.as_str()) {
        let own = rule.deny_code() == reason.code;
        let known = reasons.iter_mut().skip(stages).find(|known| {
            // Whole reasons are kept or left: a message goes with the rule that it is of.
            known.code == reason.code && (own != is_own(known, pack))
        });
        match known {
            Some(known) if own => {
                *known = reason;
                return;
            }
            Some(_) => return,
            None => {}
        }
    }
    reasons.push(reason);
}

/// Whether the rule fails for what the stage of this code has told.
fn repeats(reason: &Reason, pack: &Pack, passport: &Passport) -> bool {
    let Some(details) = &reason.details else {
        return false;
    };
    let field = details.field.as_deref().unwrap_or_default();
    match reason.code.as_str() {
        "oap.passport_suspended" | "oap.passport_revoked" | "oap.passport_draft" => {
            field == "passport.status"
        }
        "oap.assurance_insufficient" => is_of_level(reason),
        "oap.region_blocked" => field == "region",
        "oap.unknown_capability" => {
            let asked = details.actual.as_ref().and_then(Value::as_str);
            let mut needed = pack.requires_capabilities().iter().flatten();
            asked.is_some_and(|asked| {
                needed.any(|id| id == asked) && !passport.has_capability(asked)
            })
        }
        _ => false,
    }
}

fn is_of_level(reason: &Reason) -> bool {
    let details = reason.details.as_ref();
    details.is_some_and(|details| details.field.as_deref() == Some("passport.assurance_level"))
}

/// Whether the code of a reason is that of its rule.
fn is_own(reason: &Reason, pack: &Pack) -> bool {
    let name = reason.details.as_ref().map(|details| details.rule.as_str());
    let mut rules = pack.rules().iter();
    rules.any(|rule| Some(rule.name()) == name && rule.deny_code() == reason.code)
}
