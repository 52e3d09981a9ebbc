//! One request against one pack. Every stage and every rule is tried, and all that fail are reported.

use crate::condition::evaluator::{Evaluator, Scene};
use crate::condition::explain;
use crate::condition::fields::Fields;
use crate::condition::value::{Origin, Truth};
use crate::counter::{RECENT_KEYS, Unreadable, readings};
use crate::json::whole;
use crate::pack::Body;
use crate::reason::{failed, missing, policy_error, stage};
use crate::validator::{Call, Denial, Failure};
use crate::{
    Absent, AgentId, Charge, Outcome, Pack, Passport, Reason, Rule, Usage, UsagePlan, approval,
    repeated, required_limits, stages,
};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Agent, as established by the caller.
    pub agent_id: &'a AgentId,
    /// Its passport, if one is known.
    pub passport: Option<&'a Passport>,
    /// What the rules see.
    pub context: &'a Map<String, Value>,
    /// Tool that is to run, for MCP allowlists.
    pub tool: Option<&'a str>,
    /// Time of the request.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Whether the tool may run.
    pub allow: bool,
    /// Allow, deny, or deny until reviewed.
    pub outcome: Outcome,
    /// All reasons, in order of evaluation; `oap.allowed` alone for an allow.
    pub reasons: Vec<Reason>,
    /// What to add to the counters. Empty for a deny.
    pub charges: Vec<Charge>,
    /// Key to reserve. None for a deny.
    pub idempotency_key: Option<String>,
}

impl Pack {
    /// What the ledger has to read before [`Pack::evaluate`] can answer.
    #[must_use]
    pub fn usage_plan(&self, request: &Request<'_>) -> UsagePlan {
        let Some(passport) = request.passport else {
            return UsagePlan::default();
        };
        let mut plan = self.usage_plan_of(request, passport);
        for one in passport.spelled_under(self).unwrap_or_default() {
            for counter in self.usage_plan_of(request, &one.passport).counters {
                if !plan.counters.contains(&counter) {
                    plan.counters.push(counter);
                }
            }
        }
        plan
    }

    fn usage_plan_of(&self, request: &Request<'_>, passport: &Passport) -> UsagePlan {
        let scene = self.scene(request, passport, None, false);
        let mut plan = UsagePlan {
            counters: Vec::new(),
            idempotency_key: scene.idempotency_key.map(str::to_owned),
        };
        for reading in readings(scene, None) {
            if !plan.counters.iter().any(|known| reading.is(known)) {
                plan.counters.extend(reading.counter_key());
            }
        }
        plan
    }

    /// Decides. `usage` must hold what [`Pack::usage_plan`] asked for, read in the same transaction that will
    /// apply the charges.
    #[must_use]
    pub fn evaluate(&self, request: &Request<'_>, usage: &Usage) -> Evaluation {
        let spelled = request
            .passport
            .map_or_else(|| Ok(Vec::new()), |passport| passport.spelled_under(self));
        match spelled {
            Ok(none) if none.is_empty() => self.evaluate_plain(request, usage),
            Ok(all) => self.evaluate_spelled(request, usage, &all),
            Err(too_many) => deny(vec![too_many.reason()]),
        }
    }

    /// Decides by the passport's limits as they stand.
    pub(crate) fn evaluate_plain(&self, request: &Request<'_>, usage: &Usage) -> Evaluation {
        let passport = match stages::passport(request) {
            Ok(passport) => passport,
            Err(reason) => return deny(vec![*reason]),
        };
        let fields = self.field_names().read(request.context);
        let scene = Scene {
            limits: passport.limits_under(self),
            ..self.scene(request, passport, Some(&fields), usage.key_seen)
        };
        let readings = readings(scene, Some(usage));
        let scene = Scene {
            readings: &readings,
            ..scene
        };
        let mut machine = Evaluator::new(scene);
        let mut reasons = passport.standing(request.now);
        let invalid = self
            .schema
            .as_ref()
            .map(|schema| schema.check(request.context, &fields))
            .unwrap_or_default();
        let valid = invalid.is_empty();
        reasons.extend(invalid);
        stages::authority(&scene, request, &mut reasons);
        let of_stages = reasons.len();
        for rule in self.rules().iter().filter(|rule| !rule.is_waived()) {
            machine.restart();
            // A reason is large; most rules give none.
            if let Some(reason) = judge(rule, &mut machine, valid) {
                repeated::add(&mut reasons, of_stages, reason, rule, (self, passport));
            }
        }
        if valid {
            let lacking = required_limits::lacking(&mut machine, &reasons);
            reasons.extend(lacking);
        }
        let charges = self.charges(scene, valid, &mut reasons);
        if let Some(reason) = self.key_conflict(usage) {
            reasons.push(reason);
        }
        let review = approval::needed(self, passport, request.context);
        if !reasons.is_empty() || review.is_some() {
            let outcome = if reasons.is_empty() {
                Outcome::RequireReview
            } else {
                Outcome::Deny
            };
            reasons.extend(review);
            return Evaluation {
                outcome,
                ..deny(reasons)
            };
        }
        Evaluation {
            allow: true,
            outcome: Outcome::Allow,
            reasons: vec![stage(
                "oap.allowed",
                ["allowed by `", self.id().as_str(), "`"].concat(),
            )],
            charges,
            idempotency_key: scene.idempotency_key.map(str::to_owned),
        }
    }

    /// A repeated idempotency key, where no rule answers for it.
    pub(crate) fn key_conflict(&self, usage: &Usage) -> Option<Reason> {
        let repeated =
            usage.key_seen && self.idempotency_field().is_some() && !self.asks_recent_keys();
        repeated.then(|| {
            stage(
                "oap.idempotency_conflict",
                "idempotency key was already used",
            )
        })
    }

    pub(crate) fn scene<'a>(
        &'a self,
        request: &Request<'a>,
        passport: &'a Passport,
        fields: Option<&'a Fields<'a>>,
        key_seen: bool,
    ) -> Scene<'a> {
        let mut scene = Scene {
            pack: self,
            passport,
            context: request.context,
            now: request.now,
            fields,
            limits: None,
            readings: &[],
            idempotency_key: None,
            key_seen,
        };
        let key = self
            .idempotency_field()
            .and_then(|field| scene.field(field));
        scene.idempotency_key = key.and_then(Value::as_str);
        // Keys that the context says were seen speak against the call as well.
        if self.asks_recent_keys() && !key_seen {
            let seen = scene.field(RECENT_KEYS).and_then(Value::as_array);
            let seen = seen.is_some_and(|seen| key.is_some_and(|key| seen.contains(key)));
            scene.key_seen = seen;
        }
        scene
    }

    /// What an allow adds. A counter that cannot be charged is a refusal: an uncounted call would not be
    /// capped.
    pub(crate) fn charges(
        &self,
        scene: Scene<'_>,
        valid: bool,
        reasons: &mut Vec<Reason>,
    ) -> Vec<Charge> {
        let mut charges: Vec<Charge> = Vec::with_capacity(scene.readings.len());
        let mut refuse = |code: &str, message: String| {
            // After a schema failure the field at fault has been named already.
            if valid {
                reasons.push(stage(code, message));
            }
        };
        for reading in scene.readings {
            let Some(counter) = self.counters().get(reading.counter) else {
                continue;
            };
            let name = &counter.name;
            let amount = match &counter.of {
                None => Some(1),
                Some(of) => scene
                    .field(of)
                    .and_then(|value| whole(value.as_number()?))
                    .and_then(|amount| i64::try_from(amount).ok())
                    .filter(|amount| *amount >= 0),
            };
            match (&reading.key, amount) {
                (Ok(_), Some(_)) if charges.iter().any(|known| reading.is(&known.counter)) => {}
                (Ok(_), Some(amount)) if reading.used.checked_add(amount).is_some() => {
                    let counter = reading.counter_key();
                    charges.extend(counter.map(|counter| Charge { counter, amount }));
                }
                (Ok(_), Some(_)) => {
                    refuse("oap.limit_exceeded", format!("counter `{name}` is full"))
                }
                (Ok(_), None) => {
                    let of = counter.of.as_deref().unwrap_or_default();
                    let message = format!(
                        "counter `{name}` needs `{of}` to be an integer that is not negative"
                    );
                    refuse("oap.policy_error", message);
                }
                // The rule that reads it has said so; under `skip` it may have let this pass.
                (Err(Unreadable::Absent), _) if reading.indexed => {}
                (Err(Unreadable::Absent), _) => {
                    let by = counter.by.join("`, `");
                    refuse("oap.policy_error", format!("counter `{name}` needs `{by}`"));
                }
                (Err(Unreadable::Malformed(message)), _) => {
                    refuse("oap.policy_error", message.clone())
                }
            }
        }
        charges
    }
}

/// Tries one rule. `valid` tells whether the context passed its schema; if not, what a rule cannot answer
/// follows from what was already reported.
pub(crate) fn judge<'a>(
    rule: &'a Rule,
    machine: &mut Evaluator<'a>,
    valid: bool,
) -> Option<Reason> {
    let scene = &machine.scene;
    if rule.is_of_another_kind(scene.context) {
        return None;
    }
    let condition = match &rule.body {
        Body::Unevaluable(message) => return Some(policy_error(rule.name(), message)),
        Body::Validator(validator) => {
            let failure = validator.check(&Call::new(*scene)).err()?;
            return refused(rule, *scene, valid, failure);
        }
        Body::Condition(condition) => &condition.0,
    };
    let truth = match &rule.program {
        Some(program) => program.truth(machine),
        None => machine.truth(condition),
    };
    match truth {
        Ok(Truth::True) => None,
        Ok(Truth::False) => Some(failed(
            rule,
            Evaluator::new(machine.scene).explain(condition, false),
        )),
        Ok(Truth::Unknown(absence)) => {
            let skipped =
                absence.origin == Origin::Context && machine.scene.pack.absent() == Absent::Skip;
            if skipped || (!valid && absence.origin == Origin::Context) {
                return None;
            }
            let (field, mut message) = explain::absence(absence);
            if absence.origin == Origin::Fact && machine.scene.pack.absent() == Absent::Skip {
                // A cap on what nobody has to name would be none.
                message += "; `absent: skip` is only for fields that `required_context` describes";
            }
            valid.then(|| missing(rule, field, message))
        }
        Err(fault) => valid.then(|| policy_error(rule.name(), &fault.to_string())),
    }
}

/// What a validator's failure means for the decision.
fn refused(rule: &Rule, scene: Scene<'_>, valid: bool, failure: Failure) -> Option<Reason> {
    match failure {
        Failure::Denied(denial) => {
            let Denial { code, finding } = *denial;
            let text = finding.text.clone();
            let mut reason = failed(rule, Some(finding));
            if let (Some(code), Some(text)) = (code, &text) {
                // The pack's sentence is about its own code.
                let (code, message) = (code.to_owned(), text.clone());
                return Some(Reason {
                    code,
                    message,
                    ..reason
                });
            }
            // A fixed sentence of the pack does not say which header, path or criterion it was.
            if let Some(text) = text.filter(|text| !reason.message.contains(text))
                && rule.message().is_some_and(|message| !message.contains('{'))
            {
                reason.message = format!("{} ({text})", reason.message);
            }
            Some(match code {
                Some(code) => Reason {
                    code: code.to_owned(),
                    ..reason
                },
                None => reason,
            })
        }
        Failure::Missing { context: true, .. } if !valid || scene.pack.absent() == Absent::Skip => {
            None
        }
        Failure::Missing { field, message, .. } => Some(missing(rule, field, message)),
        Failure::Fault(message) => valid.then(|| policy_error(rule.name(), &message)),
    }
}

pub(crate) fn deny(reasons: Vec<Reason>) -> Evaluation {
    let mut distinct: Vec<Reason> = Vec::new();
    for reason in reasons {
        let known = |other: &Reason| other.code == reason.code && other.message == reason.message;
        if !distinct.iter().any(known) {
            distinct.push(reason);
        }
    }
    Evaluation {
        allow: false,
        outcome: Outcome::Deny,
        reasons: distinct,
        charges: Vec::new(),
        idempotency_key: None,
    }
}
