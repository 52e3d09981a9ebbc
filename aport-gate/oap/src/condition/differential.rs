//! The compiled form against the walk over the syntax tree.

use super::evaluator::{Evaluated, Evaluator, Scene};
use super::value::{Truth, Val};
use crate::counter::readings;
use crate::generate;
use crate::pack::Body;
use crate::{AgentId, Pack, Passport, Request, Usage};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

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
        limits: None,
        readings: &[],
        idempotency_key: context.get("key").and_then(Value::as_str),
        key_seen: usage.key_seen,
    };
    let fields = pack.field_names().read(context);
    (scene.fields, scene.limits) = (Some(&fields), passport.limits_under(pack));
    let readings = readings(scene, Some(&usage));
    scene.readings = &readings;
    let mut machine = Evaluator::new(scene);
    // The walk knows nothing of positions.
    (scene.fields, scene.limits) = (None, None);
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
        packs in prop::collection::vec(generate::pack(), 1..4),
        passports in prop::collection::vec(generate::passport(), 1..3),
        contexts in prop::collection::vec(generate::context(), 1..3),
        used in 0_i64..60,
    ) {
        // Numbers beyond 2^53 and conditions beyond 1000 characters are refused; that is not the question here.
        let packs: Vec<_> = packs.iter().flat_map(|pack| Pack::parse(pack.to_string().as_bytes())).collect();
        let passports: Vec<_> =
            passports.iter().flat_map(|passport| Passport::parse(passport.to_string().as_bytes())).collect();
        // What a passport keeps of its limits for one pack must not answer under another, nor for another passport.
        for context in contexts {
            for (pack, passport) in packs.iter().flat_map(|pack| passports.iter().map(move |one| (pack, one))) {
                for (source, compiled, walked) in answers(pack, passport, &context, used) {
                    prop_assert_eq!(compiled, walked, "{}", source);
                }
            }
        }
    }
}

/// One rule over each of the limits, under an id of its own.
fn pack_over(number: usize, limits: &[&str]) -> Pack {
    let rules: Vec<_> = limits
        .iter()
        .map(|limit| json!({"name": limit, "condition": format!("context.n <= limits.{limit}"), "deny_code": "over"}))
        .collect();
    let pack = json!({
        "id": format!("acme.door.open.v{number}"), "requires_capabilities": ["acme.door.open"],
        "evaluation_rules": rules
    });
    Pack::parse(pack.to_string().as_bytes()).unwrap()
}

fn passport_with(limits: &Value) -> Passport {
    let passport = json!({
        "passport_id": generate::AGENT, "spec_version": "oap/1.0", "owner_id": "org", "status": "active",
        "assurance_level": "L2", "capabilities": ["acme.door.open"], "limits": limits
    });
    Passport::parse(passport.to_string().as_bytes()).unwrap()
}

fn allows(pack: &Pack, passport: &Passport, n: i64) -> bool {
    let context = json!({ "n": n });
    let answers = answers(pack, passport, context.as_object().unwrap(), 0);
    assert!(
        answers
            .iter()
            .all(|(_, compiled, walked)| compiled == walked),
        "{answers:?}"
    );
    answers.iter().all(|(_, compiled, _)| compiled == "true")
}

#[test]
fn limits_kept_for_one_pack_do_not_answer_under_another() {
    let (low, high) = (json!({"a": 1, "b": 5}), json!({"a": 5, "b": 1}));
    let (low, high) = (passport_with(&low), passport_with(&high));
    // More packs than a passport keeps limits for, each with the same position for another limit.
    for number in 1..9 {
        let (a, b) = (pack_over(number, &["a"]), pack_over(number, &["b"]));
        for _ in 0..2 {
            assert!(!allows(&a, &low, 3) && allows(&b, &low, 3));
            assert!(allows(&a, &high, 3) && !allows(&b, &high, 3));
        }
    }
}

#[test]
fn limits_are_kept_where_they_are_there_and_small_and_looked_up_where_not() {
    let many: Vec<i64> = (0..1000).collect();
    let limits = json!({"a": {"b": 5}, "many": many, "currency_limits": {"USD": 1}});
    let passport = passport_with(&limits);
    let pack = pack_over(1, &["a.b", "many", "gone", "supported_currencies"]);
    let kept = passport.limits_under(&pack).unwrap();
    assert!(matches!(kept.get(0), Some(Val::Int(5))));
    assert!(kept.get(1).is_none() && kept.get(2).is_none());
    assert!(matches!(kept.get(3), Some(Val::Keys(_))));
    let pack = pack_over(2, &["a.b"]);
    assert!(allows(&pack, &passport, 5) && !allows(&pack, &passport, 6));
    let listed = json!({
        "id": "acme.door.open.v3", "requires_capabilities": [],
        "evaluation_rules": [{"name": "r", "condition": "context.n in limits.many", "deny_code": "d"}]
    });
    let listed = Pack::parse(listed.to_string().as_bytes()).unwrap();
    assert!(allows(&listed, &passport, 999) && !allows(&listed, &passport, 1000));
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
