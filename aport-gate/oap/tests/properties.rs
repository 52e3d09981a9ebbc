//! What holds for every pack, passport and context.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics fails"
)]

use aport_gate_oap::{
    AgentId, Evaluation, Outcome, Pack, Passport, Request, Usage, embedded_packs,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

mod generate;

const NOW: &str = "2026-01-02T03:04:05Z";

fn evaluate(
    pack: &Pack,
    passport: &Value,
    context: &Map<String, Value>,
    used: i64,
) -> Option<Evaluation> {
    let passport = Passport::parse(passport.to_string().as_bytes()).ok()?;
    let agent = AgentId::parse(generate::AGENT).unwrap();
    let request = Request {
        agent_id: &agent,
        passport: Some(&passport),
        context,
        tool: Some("tool"),
        now: NOW.parse().unwrap(),
    };
    let plan = pack.usage_plan(&request);
    let usage = Usage {
        counters: plan.counters.into_iter().map(|key| (key, used)).collect(),
        key_seen: used % 7 == 3,
    };
    Some(pack.evaluate(&request, &usage))
}

fn parse(pack: &Value) -> Option<Pack> {
    Pack::parse(pack.to_string().as_bytes()).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_request_gets_one_consistent_answer(
        pack in generate::pack(),
        passport in generate::passport(),
        context in generate::context(),
        used in prop_oneof![0_i64..60, Just(i64::MAX)],
    ) {
        let Some(pack) = parse(&pack) else { return Ok(()) };
        let Some(answer) = evaluate(&pack, &passport, &context, used) else { return Ok(()) };
        prop_assert_eq!(answer.allow, answer.outcome == Outcome::Allow);
        prop_assert!(!answer.reasons.is_empty());
        if answer.allow {
            prop_assert_eq!(answer.reasons.len(), 1);
        } else {
            prop_assert!(answer.charges.is_empty() && answer.idempotency_key.is_none());
        }
        prop_assert!(answer.charges.iter().all(|charge| charge.amount >= 0));
        prop_assert_eq!(evaluate(&pack, &passport, &context, used), Some(answer));
    }

    #[test]
    fn an_unknown_condition_denies_and_so_does_its_negation(
        condition in generate::condition(),
        passport in generate::passport(),
        context in generate::context(),
    ) {
        // Whatever the condition is made of, comparing it with something absent is unknown; only a fault of the
        // condition itself comes before that. Neither may let the call through.
        let unknown = format!("(({condition}) == absent_field)");
        for condition in [unknown.clone(), format!("not {unknown}"), format!("not not {unknown}")] {
            let Some(pack) = parse(&generate::pack_of(&[condition], "deny")) else { return Ok(()) };
            if let Some(answer) = evaluate(&pack, &passport, &context, 1) {
                prop_assert!(!answer.allow);
            }
        }
    }

    #[test]
    fn a_condition_and_its_negation_never_both_allow(
        condition in generate::condition(),
        passport in generate::passport(),
        context in generate::context(),
    ) {
        let negated = format!("not ({condition})");
        let (Some(one), Some(other)) = (
            parse(&generate::pack_of(&[condition], "deny")),
            parse(&generate::pack_of(&[negated], "deny")),
        ) else { return Ok(()) };
        let allows = |pack: &Pack| evaluate(pack, &passport, &context, 1).is_some_and(|answer| answer.allow);
        prop_assert!(!(allows(&one) && allows(&other)));
    }

    #[test]
    fn one_more_rule_never_turns_a_deny_into_an_allow(
        conditions in vec(generate::condition(), 1..4),
        passport in generate::passport(),
        context in generate::context(),
    ) {
        let (Some(fewer), Some(all)) = (
            parse(&generate::pack_of(&conditions[1..], "deny")),
            parse(&generate::pack_of(&conditions, "deny")),
        ) else { return Ok(()) };
        if let (Some(fewer), Some(all)) =
            (evaluate(&fewer, &passport, &context, 1), evaluate(&all, &passport, &context, 1))
        {
            prop_assert!(fewer.allow || !all.allow);
        }
    }
}

/// Calls of the packs that ship with this crate, and passports around the edge of allowing them.
fn refund() -> impl Strategy<Value = (Value, Map<String, Value>)> {
    let amounts = || select(&[1_i64, 50, 100, 101, 5_000][..]);
    let scopes = select(&["flat", "nested", "root"][..]);
    let listed = vec(select(&["USD", "EUR", "JPY"][..]), 0..3);
    (
        amounts(),
        amounts(),
        amounts(),
        scopes,
        listed,
        any::<bool>(),
    )
        .prop_map(|(amount, per_tx, daily, scope, currencies, stated)| {
            let limits: Map<String, Value> = currencies
                .into_iter()
                .map(|currency| {
                    (
                        currency.to_owned(),
                        json!({"max_per_tx": per_tx, "daily_cap": daily}),
                    )
                })
                .collect();
            let limits = json!({"currency_limits": limits, "reason_codes": ["wish", "fault"]});
            let passport = passport(&["finance.payment.refund"], scope, limits);
            let mut context = json!({
                "order_id": "o-1", "customer_id": "c-1", "amount": amount, "currency": "USD",
                "region": "US", "reason_code": "wish", "idempotency_key": "key-00000001"
            });
            if stated {
                context["order_currency"] = "USD".into();
            }
            (passport, context.as_object().cloned().unwrap())
        })
}

fn merge() -> impl Strategy<Value = (Value, Map<String, Value>)> {
    const HELD: [&[&str]; 4] = [
        &["code.repository.merge", "repo.merge", "repo.pr.create"],
        &["repo.merge", "repo.pr.create"],
        &["code.repository.merge"],
        &["repo.merge"],
    ];
    let capabilities = select(&HELD[..]);
    let patterns = || {
        vec(
            select(&["acme/*", "**", "**", "main", "release/**"][..]),
            0..4,
        )
    };
    let limits = (
        patterns(),
        patterns(),
        0_i64..4,
        prop::option::of(0_i64..20),
    )
        .prop_map(|(repositories, branches, most, size)| {
            let mut limits = json!({
                "allowed_repositories": repositories, "allowed_base_branches": branches,
                "max_merges_per_day": most
            });
            if let Some(size) = size {
                limits["max_pr_size_kb"] = size.into();
            }
            limits
        });
    let scopes = || select(&["flat", "nested", "root"][..]);
    let branches = select(&["main", "release/1/x"][..]);
    (capabilities, vec(limits, 2), scopes(), scopes(), branches).prop_map(
        |(capabilities, limits, one, other, branch)| {
            // Limits under more than one capability: which of them counts must not open a way around another.
            let mut passport = passport(capabilities, one, limits[0].clone());
            let second = match other {
                "flat" => json!({"repo.merge": limits[1]}),
                "nested" => json!({"repo": {"merge": limits[1]}}),
                _ => limits[1].clone(),
            };
            if let (Some(all), Some(second)) =
                (passport["limits"].as_object_mut(), second.as_object())
            {
                all.extend(second.clone());
            }
            let context = json!({
                "repository": "acme/api", "action": "pr.merge", "branch": branch, "pr_number": 1,
                "size_kb": 10, "region": "US"
            });
            (passport, context.as_object().cloned().unwrap())
        },
    )
}

fn passport(capabilities: &[&str], scope: &str, limits: Value) -> Value {
    let ids: Vec<_> = capabilities.iter().map(|id| json!({"id": id})).collect();
    let family = if capabilities.contains(&"finance.payment.refund") {
        "finance.payment.refund"
    } else {
        "code.repository.merge"
    };
    let limits = match (scope, family) {
        ("flat", _) => json!({ family: limits }),
        ("nested", "finance.payment.refund") => json!({"finance": {"payment": {"refund": limits}}}),
        ("nested", _) => json!({"code": {"repository": {"merge": limits}}}),
        _ => limits,
    };
    json!({
        "passport_id": generate::AGENT, "spec_version": "oap/1.0", "owner_id": "org_1",
        "status": "active", "assurance_level": "L2", "capabilities": ids,
        "regions": ["US"], "limits": limits
    })
}

/// The same passport with one number lowered or one list item taken away, for each of them in turn.
fn lowered(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(number) => {
            let number = number.as_i64().unwrap();
            [number - 1, number / 2, 0]
                .into_iter()
                .filter(|less| *less < number)
                .map(Value::from)
                .collect()
        }
        Value::Array(items) => (0..items.len())
            .map(|at| {
                let mut fewer = items.clone();
                fewer.remove(at);
                Value::Array(fewer)
            })
            .collect(),
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| {
                lowered(value).into_iter().map(|less| {
                    let mut changed = map.clone();
                    changed.insert(key.clone(), less);
                    Value::Object(changed)
                })
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn embedded(id: &str) -> Pack {
    let (_, json) = embedded_packs()
        .iter()
        .find(|(known, _)| *known == id)
        .unwrap();
    Pack::parse(json).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn less_in_a_passport_never_allows_more(
        (id, (passport, context)) in prop_oneof![
            refund().prop_map(|call| ("finance.payment.refund.v1", call)),
            merge().prop_map(|call| ("code.repository.merge.v1", call)),
        ],
        used in 0_i64..4,
    ) {
        let pack = embedded(id);
        let answer = evaluate(&pack, &passport, &context, used).unwrap();
        if answer.allow {
            return Ok(());
        }
        let mut weaker = Vec::new();
        for field in ["limits", "capabilities", "regions"] {
            for less in lowered(&passport[field]) {
                let mut passport = passport.clone();
                passport[field] = less;
                weaker.push(passport);
            }
        }
        for status in ["suspended", "revoked", "draft"] {
            let mut passport = passport.clone();
            passport["status"] = status.into();
            weaker.push(passport);
        }
        for passport in weaker {
            let answer = evaluate(&pack, &passport, &context, used);
            prop_assert!(answer.is_none_or(|answer| !answer.allow), "{}", passport);
        }
    }
}

/// The limits of the refund capability in a passport that has them in this place.
fn of_refund(passport: &Value, scope: &str) -> Value {
    let limits = &passport["limits"];
    match scope {
        "flat" => limits["finance.payment.refund"].clone(),
        "nested" => limits["finance"]["payment"]["refund"].clone(),
        _ => limits.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_further_spelling_of_limits_only_narrows(
        (one, context) in refund(),
        (other, _) in refund(),
        spelling in select(&["other", "mixed", "within", "single", "parameters"][..]),
        used in 0_i64..4,
    ) {
        let pack = embedded("finance.payment.refund.v1");
        let scope = |passport: &Value| {
            let limits = passport["limits"].as_object().unwrap();
            ["finance.payment.refund", "finance"].into_iter().find(|key| limits.contains_key(*key))
        };
        // The root speaks for all capabilities together; it is no spelling of this one.
        let (flat, Some(from)) = (scope(&one) == Some("finance.payment.refund"), scope(&other)) else { return Ok(()) };
        if scope(&one).is_none() {
            return Ok(());
        }
        let further = of_refund(&other, if from == "finance" { "nested" } else { "flat" });
        let mut both = one.clone();
        let limits = &mut both["limits"];
        match spelling {
            "other" if flat => limits["finance"] = json!({"payment": {"refund": further}}),
            "other" => limits["finance.payment.refund"] = further.clone(),
            "mixed" => limits["finance.payment"] = json!({"refund": further}),
            "within" => {
                for name in ["currency_limits", "reason_codes"] {
                    limits[format!("finance.payment.refund.{name}")] = further[name].clone();
                }
            }
            "single" => {
                for (currency, caps) in further["currency_limits"].as_object().unwrap() {
                    for (cap, amount) in caps.as_object().unwrap() {
                        limits[format!("finance.payment.refund.currency_limits.{currency}.{cap}")] = amount.clone();
                    }
                }
            }
            _ => both["capabilities"] = json!([{"id": "finance.payment.refund", "params": further}]),
        }
        let allows = |passport: &Value| evaluate(&pack, passport, &context, used).unwrap().allow;
        let together = allows(&both);
        prop_assert!(!together || allows(&one), "{}", both);
        if matches!(spelling, "other" | "mixed" | "parameters") {
            // Both name the same limits, so a call has to pass each as if it stood alone.
            prop_assert_eq!(together, allows(&one) && allows(&other), "{}", both);
        }
        if !together {
            let [less, other_less] = [lowered(&both["limits"]), lowered(&both["capabilities"])];
            for limits in less {
                let mut passport = both.clone();
                passport["limits"] = limits;
                prop_assert!(!allows(&passport), "{}", passport);
            }
            for capabilities in other_less {
                let mut passport = both.clone();
                passport["capabilities"] = capabilities;
                prop_assert!(!allows(&passport), "{}", passport);
            }
        }
    }
}

#[test]
fn calls_of_the_embedded_packs_are_allowed_often_enough_to_mean_something() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for (id, calls) in [
        ("finance.payment.refund.v1", refund().boxed()),
        ("code.repository.merge.v1", merge().boxed()),
    ] {
        let pack = embedded(id);
        let allowed = (0..300).filter(|_| {
            let (passport, context) = calls.new_tree(&mut runner).unwrap().current();
            evaluate(&pack, &passport, &context, 0).unwrap().allow
        });
        let allowed = allowed.count();
        assert!(
            (10..290).contains(&allowed),
            "{id}: {allowed} of 300 allowed"
        );
    }
}

/// Each takes at most what its bounds allow: seconds would show here, not microseconds.
#[test]
fn conditions_made_to_be_slow_end_at_their_bound() {
    let big: Vec<Value> = (0..20_000).map(|at| json!(format!("item-{at}"))).collect();
    let globs: Vec<Value> = (0..20_000)
        .map(|at| json!(format!("{{a,b}}/**/{at}")))
        .collect();
    let mut context = Map::new();
    context.insert("tags".to_owned(), big.into());
    context.insert("note".to_owned(), "a".repeat(1_000_000).into());
    context.insert("order".to_owned(), globs.into());
    let passport = passport(&["data.report"], "root", json!({}));
    for condition in [
        "any(any(any(item == x for x in context.tags) for item in context.tags) for y in context.tags)",
        "all(item not in context.tags for item in context.tags)",
        "matches_any(context.note, context.order)",
        "context.note.split('').split('')",
        "any(context.note.replace('b', item) == item for item in context.note.split(''))",
        "context.tags == context.tags and context.tags == context.tags",
    ] {
        let pack = parse(&generate::pack_of(&[condition.to_owned()], "deny")).unwrap();
        let answer = evaluate(&pack, &passport, &context, 0).unwrap();
        assert!(!answer.allow, "{condition}");
    }
}
