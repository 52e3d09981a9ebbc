//! Decisions by a passport that spells the limits of one capability in several ways. None of them is more
//! authoritative than another, so a call has to pass under each: a spelling can narrow what another allows and never
//! widen it.

use crate::passport::alias;
use crate::passport::spelling::{self, MOST, Says, Spelling};
use crate::reason::{policy_error, stage};
use crate::{Evaluation, Outcome, Pack, Passport, Reason, Request, Usage};
use serde_json::{Map, Value};

/// The limits of one capability, by name.
type Limits = Map<String, Value>;

/// Parameters of a capability that are looked at by themselves.
pub(crate) const OWN_PARAMETERS: [&str; 2] = ["max_amount", "currency"];

/// A passport as one of the spellings of its limits has it.
pub(crate) struct Spelled {
    /// Where that spelling stands.
    pub(crate) place: String,
    pub(crate) passport: Passport,
}

/// Limits are spelled in more ways than are tried.
#[derive(Debug)]
pub(crate) struct TooMany;

impl TooMany {
    pub(crate) fn reason(&self) -> Reason {
        stage(
            "oap.policy_error",
            format!("the passport spells its limits in more than {MOST} ways; keep one"),
        )
    }
}

impl Passport {
    /// Itself in each of its spellings under a pack, first the document as it stands. Empty where there is only that.
    pub(crate) fn spelled_under(&self, pack: &Pack) -> Result<Vec<Spelled>, TooMany> {
        if !self.may_vary() {
            return Ok(Vec::new());
        }
        let none = Map::new();
        let written = self.limits().unwrap_or(&none);
        let mut base = written.clone();
        let mut scopes = Vec::new();
        for scope in pack.limit_scopes() {
            let spellings = spelling::spellings(written, scope);
            if spellings.len() > MOST {
                return Err(TooMany);
            }
            // Where nothing looks for them, the limits of this capability would not be found at all.
            let unusual =
                !spellings.is_empty() && !spellings.iter().any(|one| is_usual(one, scope));
            let (first, others) = variants(scope, &spellings, self.all_params(scope));
            if unusual {
                base.insert(scope.clone(), Value::Object(first));
            }
            scopes.push((scope, unusual, spellings, others));
        }
        let mut all = vec![Spelled {
            place: "limits".to_owned(),
            passport: self.with_limits(base.clone()),
        }];
        for (scope, unusual, spellings, others) in &scopes {
            for (place, of_scope) in others {
                let changed = with(&base, scope, *unusual, spellings, of_scope);
                let known = |one: &Spelled| one.passport.limits() == Some(&changed);
                if all.iter().any(known) {
                    continue;
                }
                if all.len() > MOST {
                    return Err(TooMany);
                }
                all.push(Spelled {
                    place: place.clone(),
                    passport: self.with_limits(changed),
                });
            }
        }
        let mut named = Vec::with_capacity(all.len());
        for one in all {
            let readings = one
                .passport
                .limits()
                .map(alias::readings)
                .unwrap_or_default();
            let by_name = |(name, limits)| Spelled {
                place: format!("{} ({name})", one.place),
                passport: self.with_limits(limits),
            };
            let mut by_names: Vec<_> = readings.into_iter().map(by_name).collect();
            if by_names.is_empty() {
                by_names.push(one);
            }
            named.append(&mut by_names);
            if named.len() > MOST + 1 {
                return Err(TooMany);
            }
        }
        if named.len() == 1 && base == *written {
            named.clear();
        }
        Ok(named)
    }
}

fn is_usual(spelling: &Spelling<'_>, scope: &str) -> bool {
    let steps = spelling.path.len();
    matches!(spelling.says, Says::All(_)) && (steps == 1 || steps == scope.split('.').count())
}

/// The limits of a capability by its first spelling, and as each spelling has them. What one does not name is taken
/// from the others.
fn variants<'p>(
    scope: &str,
    spellings: &[Spelling<'_>],
    params: impl Iterator<Item = &'p Map<String, Value>>,
) -> (Limits, Vec<(String, Limits)>) {
    let alls = || {
        spellings.iter().filter_map(|one| match one.says {
            Says::All(all) => Some((one, all)),
            Says::One(..) => None,
        })
    };
    let singles = || {
        spellings.iter().filter_map(|one| match one.says {
            Says::One(name, value) => Some((one, name, value)),
            Says::All(_) => None,
        })
    };
    let mut found = Vec::new();
    for (one, all) in alls() {
        let mut limits = all.clone();
        fill(&mut limits, alls().map(|(_, all)| all));
        found.push((spelling::place(&one.path), limits));
    }
    let first = found.first().map(|(_, limits)| limits.clone());
    let first = first.unwrap_or_else(|| {
        let mut limits = Map::new();
        for (_, name, value) in singles() {
            set(&mut limits, name, value, false);
        }
        limits
    });
    for (one, name, value) in singles() {
        let mut limits = first.clone();
        set(&mut limits, name, value, true);
        found.push((spelling::place(&one.path), limits));
    }
    for params in params {
        let mut narrower = first.clone();
        for (name, value) in params {
            if !OWN_PARAMETERS.contains(&name.as_str()) && !value.is_null() {
                narrower.insert(name.clone(), value.clone());
            }
        }
        if narrower != first {
            found.push((format!("params of capability {scope}"), narrower));
        }
    }
    (first, found)
}

fn fill<'a>(limits: &mut Map<String, Value>, others: impl Iterator<Item = &'a Map<String, Value>>) {
    for (name, value) in others.flatten() {
        if !limits.contains_key(name) {
            limits.insert(name.clone(), value.clone());
        }
    }
}

/// Puts a limit at a dotted path.
fn set(limits: &mut Map<String, Value>, path: &str, value: &Value, replace: bool) {
    let Some((first, rest)) = path.split_once('.') else {
        if replace || !limits.contains_key(path) {
            limits.insert(path.to_owned(), value.clone());
        }
        return;
    };
    let inner = limits
        .entry(first)
        .or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        if !replace {
            return;
        }
        *inner = Value::Object(Map::new());
    }
    if let Some(inner) = inner.as_object_mut() {
        set(inner, rest, value, replace);
    }
}

/// The limits with those of a capability in all places of it, so that every way to look them up finds the same.
fn with(
    limits: &Map<String, Value>,
    scope: &str,
    flat: bool,
    spellings: &[Spelling<'_>],
    of_scope: &Map<String, Value>,
) -> Map<String, Value> {
    let mut changed = limits.clone();
    for spelling in spellings {
        if matches!(spelling.says, Says::All(_)) {
            put(&mut changed, &spelling.path, of_scope);
        }
    }
    if flat || spellings.is_empty() {
        put(&mut changed, &[scope], of_scope);
    }
    changed
}

fn put(limits: &mut Map<String, Value>, path: &[&str], of_scope: &Map<String, Value>) {
    match path {
        [] => {}
        [last] => {
            limits.insert((*last).to_owned(), Value::Object(of_scope.clone()));
        }
        [first, rest @ ..] => {
            if let Some(inner) = limits.get_mut(*first).and_then(Value::as_object_mut) {
                put(inner, rest, of_scope);
            }
        }
    }
}

impl Pack {
    /// Decides under each spelling. An allow needs all of them.
    pub(crate) fn evaluate_spelled(
        &self,
        request: &Request<'_>,
        usage: &Usage,
        all: &[Spelled],
    ) -> Evaluation {
        let mut answers = all.iter().map(|one| {
            let passport = Some(&one.passport);
            let answer = self.evaluate_plain(
                &Request {
                    passport,
                    ..*request
                },
                usage,
            );
            (one, answer)
        });
        let Some((_, mut whole)) = answers.next() else {
            let reason = policy_error("limits", "there is no reading of them");
            return crate::evaluate::deny(vec![reason]);
        };
        for (one, answer) in answers {
            if answer.allow {
                if whole.allow {
                    let new = |charge: &crate::Charge| !whole.charges.contains(charge);
                    let more: Vec<_> = answer.charges.into_iter().filter(new).collect();
                    whole.charges.extend(more);
                }
                continue;
            }
            if whole.allow {
                whole.reasons.clear();
                whole.charges.clear();
                whole.idempotency_key = None;
            }
            for mut reason in answer.reasons {
                let known =
                    |other: &Reason| other.code == reason.code && other.message == reason.message;
                if !whole.reasons.iter().any(known) {
                    reason.message = by(&reason.message, &one.place);
                    whole.reasons.push(reason);
                }
            }
            whole.outcome = match (whole.outcome, answer.outcome) {
                (Outcome::Deny, _) | (_, Outcome::Deny) => Outcome::Deny,
                (_, other) => other,
            };
            whole.allow = false;
        }
        whole
    }
}

/// A message, and which of several spellings asks for what it says.
pub(crate) fn by(message: &str, place: &str) -> String {
    format!("{message} (by `{place}`; these limits are spelled more than once)")
}
