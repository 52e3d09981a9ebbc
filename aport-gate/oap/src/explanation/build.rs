//! Taking an evaluation apart. Judges with the same functions as [`Pack::evaluate`] and adds what they saw.

use super::{Explanation, Operand, Stage, Step, StepResult};
use crate::condition::evaluator::{Evaluator, Scene};
use crate::condition::trace::operands;
use crate::condition::value::Truth;
use crate::counter::readings;
use crate::evaluate::judge;
use crate::pack::Body;
use crate::spelled::{Spelled, by};
use crate::validator::{Call, Failure};
use crate::{
    Evaluation, Pack, Passport, Reason, Request, Rule, Usage, approval, mcp, required_limits,
    stages,
};
use serde_json::Value;

impl Pack {
    /// Decides as [`Pack::evaluate`] does and tells every stage and rule, each with what it looked at and what
    /// came of it. Slower; for `decide --explain` and the like.
    ///
    /// ```
    /// # use aport_gate_oap::*;
    /// let pack = Pack::parse(br#"{
    ///     "id": "acme.door.open.v1", "requires_capabilities": ["acme.door"],
    ///     "evaluation_rules": [{"name": "floor", "deny_code": "oap.limit_exceeded",
    ///                           "condition": "context.floor <= limits.max_floor"}]
    /// }"#)?;
    /// let passport = Passport::parse(br#"{
    ///     "passport_id": "ap_porter", "spec_version": "oap/1.0", "owner_id": "org_1", "status": "active",
    ///     "assurance_level": "L1", "capabilities": [{"id": "acme.door"}],
    ///     "limits": {"acme.door": {"max_floor": 3}}
    /// }"#)?;
    /// let context = serde_json::json!({"floor": 4}).as_object().cloned().unwrap();
    /// let request = Request {
    ///     agent_id: passport.agent_id(), passport: Some(&passport), context: &context, tool: None,
    ///     now: "2026-01-01T00:00:00Z".parse()?,
    /// };
    /// let explanation = pack.explain(&request, &Usage::default());
    /// let text = explanation.to_string();
    /// assert!(text.contains("context.floor = 4") && text.contains("limits.max_floor = 3"), "{text}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn explain(&self, request: &Request<'_>, usage: &Usage) -> Explanation {
        let evaluation = self.evaluate(request, usage);
        let steps = match stages::passport(request) {
            Err(reason) => vec![step(Stage::Passport, Vec::new(), vec![*reason])],
            Ok(passport) => match passport.spelled_under(self) {
                Err(too_many) => vec![step(Stage::Passport, Vec::new(), vec![too_many.reason()])],
                Ok(none) if none.is_empty() => self.steps(request, passport, usage),
                Ok(all) => self.steps_spelled(request, usage, &all),
            },
        };
        let Evaluation {
            allow,
            outcome,
            reasons,
            ..
        } = evaluation;
        Explanation {
            policy_id: self.id().clone(),
            agent_id: request.agent_id.clone(),
            allow,
            outcome,
            steps,
            reasons,
        }
    }

    /// The steps by the first spelling of the passport's limits, then what others have against the call.
    fn steps_spelled(&self, request: &Request<'_>, usage: &Usage, all: &[Spelled]) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for one in all {
            let passport = Some(&one.passport);
            let more = self.steps(
                &Request {
                    passport,
                    ..*request
                },
                &one.passport,
                usage,
            );
            if steps.is_empty() {
                steps = more;
                continue;
            }
            for mut step in more {
                let told = steps.iter().any(|known| known.reasons == step.reasons);
                if step.reasons.is_empty() || told {
                    continue;
                }
                for reason in &mut step.reasons {
                    reason.message = by(&reason.message, &one.place);
                }
                steps.push(step);
            }
        }
        steps
    }

    fn steps(&self, request: &Request<'_>, passport: &Passport, usage: &Usage) -> Vec<Step> {
        let known = |expression: &str, value: Value| Operand {
            expression: expression.to_owned(),
            value: Some(value),
            note: None,
        };
        let agent = known("passport.passport_id", passport.agent_id().as_str().into());
        let mut steps = vec![step(Stage::Passport, vec![agent], Vec::new())];
        let mut standing = vec![known(
            "passport.status",
            passport
                .as_value()
                .get("status")
                .cloned()
                .unwrap_or_default(),
        )];
        if let Some(expiry) = passport.expires_at() {
            standing.push(known("passport.expires_at", expiry.to_string().into()));
        }
        if let Some(start) = passport.not_before() {
            standing.push(known("passport.not_before", start.to_string().into()));
        }
        if let Some(parent) = passport.parent_id() {
            standing.push(known("passport.parent_agent_id", parent.as_str().into()));
        }
        standing.push(known("now", request.now.to_string().into()));
        steps.push(step(
            Stage::Standing,
            standing,
            passport.standing(request.now),
        ));

        let invalid = self
            .schema
            .as_ref()
            .map(|schema| schema.check(request.context, &self.field_names().read(request.context)))
            .unwrap_or_default();
        let valid = invalid.is_empty();
        let fields = self
            .required_fields()
            .into_iter()
            .map(|field| Operand {
                expression: format!("context.{field}"),
                value: request.context.get(field).cloned(),
                note: None,
            })
            .collect();
        steps.push(step(Stage::RequiredContext, fields, invalid));

        let held = known(
            "passport.capabilities",
            passport.capabilities().to_vec().into(),
        );
        let asked = known(
            "requires_capabilities",
            self.requires_capabilities().to_vec().into(),
        );
        steps.push(step(
            Stage::Capabilities,
            vec![held, asked],
            stages::capabilities(self, passport)
                .into_iter()
                .chain(stages::parameters(self, request, passport))
                .collect(),
        ));
        let levels = vec![
            known(
                "passport.assurance_level",
                passport.assurance_level().as_str().into(),
            ),
            known("min_assurance", self.min_assurance().as_str().into()),
        ];
        steps.push(step(
            Stage::Assurance,
            levels,
            stages::assurance(self, passport).into_iter().collect(),
        ));
        steps.push(match request.context.get("region") {
            None => skipped(Stage::Region),
            Some(region) => step(
                Stage::Region,
                vec![
                    known("context.region", region.clone()),
                    known("passport.regions", passport.regions().to_vec().into()),
                ],
                stages::region(region, passport).into_iter().collect(),
            ),
        });
        steps.push(if self.asks_allowlist() {
            step(
                Stage::Mcp,
                Vec::new(),
                mcp::unlisted(self, request, passport),
            )
        } else {
            skipped(Stage::Mcp)
        });

        let scene = self.scene(request, passport, None, usage.key_seen);
        let readings = readings(scene, Some(usage));
        let scene = Scene {
            readings: &readings,
            ..scene
        };
        steps.extend(self.rules().iter().map(|rule| of_rule(rule, scene, valid)));
        if valid && !self.required_limits().is_empty() {
            let told: Vec<Reason> = steps.iter().flat_map(|step| step.reasons.clone()).collect();
            let lacking = required_limits::lacking(&mut Evaluator::new(scene), &told);
            steps.push(step(Stage::RequiredLimits, Vec::new(), lacking));
        }

        let mut uncounted = Vec::new();
        let charges = self.charges(scene, valid, &mut uncounted);
        let counted = readings.iter().filter_map(|reading| {
            let key = reading.counter_key()?;
            let adds = charges.iter().find(|charge| charge.counter == key);
            let of = if key.key.is_empty() {
                key.counter.clone()
            } else {
                format!("{}[{}]", key.counter, key.key)
            };
            Some(Operand {
                expression: of,
                value: Some(reading.used.into()),
                note: adds.map(|charge| format!("an allow adds {}", charge.amount)),
            })
        });
        steps.push(if readings.is_empty() {
            skipped(Stage::Counters)
        } else {
            step(Stage::Counters, counted.collect(), uncounted)
        });
        steps.push(match scene.idempotency_key {
            None => skipped(Stage::Idempotency),
            Some(key) => Step {
                // Where a rule asks about it, that rule tells the reason.
                result: if scene.key_seen {
                    StepResult::Fails
                } else {
                    StepResult::Holds
                },
                ..step(
                    Stage::Idempotency,
                    vec![
                        known("key", key.into()),
                        known("used before", scene.key_seen.into()),
                    ],
                    self.key_conflict(usage).into_iter().collect(),
                )
            },
        });
        let review = approval::needed(self, passport, request.context);
        steps.push(step(
            Stage::Approval,
            Vec::new(),
            review.into_iter().collect(),
        ));
        steps
    }
}

fn of_rule<'a>(rule: &'a Rule, scene: Scene<'a>, valid: bool) -> Step {
    let reason = if rule.is_waived() {
        None
    } else {
        judge(rule, &mut Evaluator::new(scene), valid)
    };
    let (operands, result) = match &rule.body {
        _ if rule.is_waived() => (Vec::new(), StepResult::Waived),
        _ if rule.is_of_another_kind(scene.context) => (Vec::new(), StepResult::Skipped),
        Body::Unevaluable(_) => (Vec::new(), StepResult::Error),
        Body::Validator(validator) => {
            let call = Call::recording(scene);
            let result = match validator.check(&call) {
                Ok(()) => StepResult::Holds,
                Err(Failure::Denied(_)) => StepResult::Fails,
                Err(Failure::Missing { .. }) if valid && reason.is_none() => StepResult::Skipped,
                Err(Failure::Missing { .. }) => StepResult::Unknown,
                Err(Failure::Fault(_)) => StepResult::Error,
            };
            (call.seen(), result)
        }
        Body::Condition(condition) => {
            let result = match Evaluator::new(scene).truth(&condition.0) {
                Ok(Truth::True) => StepResult::Holds,
                Ok(Truth::False) => StepResult::Fails,
                Ok(Truth::Unknown(_)) if valid && reason.is_none() => StepResult::Skipped,
                Ok(Truth::Unknown(_)) => StepResult::Unknown,
                Err(_) => StepResult::Error,
            };
            (operands(&condition.0, scene), result)
        }
    };
    let is_validator = matches!(rule.body, Body::Validator(_));
    let source = Some(rule.source().to_owned()).filter(|source| !source.is_empty());
    let (validator, condition) = if is_validator {
        (source, None)
    } else {
        (None, source)
    };
    Step {
        stage: Stage::Rule,
        rule: Some(rule.name().to_owned()),
        condition,
        validator,
        operands,
        result,
        reasons: reason.into_iter().collect(),
    }
}

fn step(stage: Stage, operands: Vec<Operand>, reasons: Vec<Reason>) -> Step {
    let result = if reasons.is_empty() {
        StepResult::Holds
    } else {
        StepResult::Fails
    };
    Step {
        stage,
        rule: None,
        condition: None,
        validator: None,
        operands,
        result,
        reasons,
    }
}

fn skipped(stage: Stage) -> Step {
    Step {
        result: StepResult::Skipped,
        ..step(stage, Vec::new(), Vec::new())
    }
}
