//! The compiled form against the walk over the syntax tree.

use super::evaluator::{Evaluated, Evaluator, Scene};
use super::value::Truth;
use crate::counter::readings;
use crate::generate;
use crate::pack::Body;
use crate::{AgentId, Pack, Passport, Request, Usage};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// An answer in a form to compare: what is true, what is missing, or what went wrong.
fn shown(answer: Evaluated<Truth<'_>>) -> String {
    match answer {
        Ok(Truth::True) => "true".to_owned(),
        Ok(Truth::False) => "false".to_owned(),
        Ok(Truth::Unknown(absence)) => format!("{:?} {}", absence.origin, absence.expr),
        Err(fault) => format!("fault: {fault}"),
    }
}

/// Each rule's answer by both, in pairs.
fn answers(
    pack: &Pack,
    passport: &Passport,
    context: &Map<String, Value>,
    used: i64,
) -> Vec<(String, String, String)> {
    let agent = AgentId::parse(generate::AGENT).unwrap();
    let request = Request {
        agent_id: &agent,
        passport: Some(passport),
        context,
        tool: None,
        now: "2026-01-02T03:04:05Z".parse().unwrap(),
    };
    let plan = pack.usage_plan(&request);
    let usage = Usage {
        counters: plan.counters.into_iter().map(|key| (key, used)).collect(),
        key_seen: used % 2 == 1,
    };
    let mut scene = Scene {
        pack,
        passport,
        context,
        now: request.now,
        fields: None,
        readings: &[],
        idempotency_key: context.get("key").and_then(Value::as_str),
        key_seen: usage.key_seen,
    };
    let readings = readings(scene, Some(&usage));
    scene.readings = &readings;
    let mut machine = Evaluator::new(scene);
    let conditions = pack.rules().iter().filter_map(|rule| match &rule.body {
        Body::Condition(condition) => Some((rule, condition)),
        _ => None,
    });
    conditions
        .map(|(rule, condition)| {
            machine.restart();
            let compiled = rule.program.as_ref().unwrap().truth(&mut machine);
            let walked = Evaluator::new(scene).truth(&condition.0);
            (rule.source().to_owned(), shown(compiled), shown(walked))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn compiled_conditions_answer_as_the_tree_does(
        pack in generate::pack(),
        passport in generate::passport(),
        contexts in prop::collection::vec(generate::context(), 1..4),
        used in 0_i64..60,
    ) {
        let pack = Pack::parse(pack.to_string().as_bytes());
        let passport = Passport::parse(passport.to_string().as_bytes());
        // Numbers beyond 2^53 and conditions beyond 1000 characters are refused; that is not the question here.
        let (Ok(pack), Ok(passport)) = (pack, passport) else { return Ok(()) };
        for context in contexts {
            for (source, compiled, walked) in answers(&pack, &passport, &context, used) {
                prop_assert_eq!(compiled, walked, "{}", source);
            }
        }
    }
}

#[test]
fn generated_conditions_reach_every_kind_of_answer() {
    // The property above says little if most conditions fault or do not load.
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = [0_u32; 5];
    for _ in 0..200 {
        let mut draw =
            |strategy: BoxedStrategy<Value>| strategy.new_tree(&mut runner).unwrap().current();
        let pack = draw(generate::pack().boxed());
        let passport = draw(generate::passport().boxed());
        let context = draw(generate::context().prop_map(Value::Object).boxed());
        let pack = Pack::parse(pack.to_string().as_bytes());
        let passport = Passport::parse(passport.to_string().as_bytes());
        let (Ok(pack), Ok(passport)) = (pack, passport) else {
            seen[4] += 1;
            continue;
        };
        for (_, compiled, _) in answers(&pack, &passport, context.as_object().unwrap(), 7) {
            let kind = match compiled.as_str() {
                "true" => 0,
                "false" => 1,
                fault if fault.starts_with("fault") => 3,
                _ => 2,
            };
            seen[kind] += 1;
        }
    }
    println!("true, false, unknown, fault, not loaded: {seen:?}");
    assert!(seen[..4].iter().all(|count| *count > 15), "{seen:?}");
}
