//! Arbitrary conditions, packs, passports and contexts. Names and values come from small pools, so that paths
//! meet what they look for often enough.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test target uses a part of it"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

pub const AGENT: &str = "ap_generated";

const FIELDS: [&str; 12] = [
    "amount",
    "currency",
    "note",
    "tags",
    "order",
    "flag",
    "key",
    "max_rows",
    "reason_codes",
    "supported_currencies",
    "currency_limits",
    "report",
];
const TEXTS: [&str; 10] = [
    "",
    "USD",
    "EUR",
    "a/b",
    "a/*",
    "L3",
    "2026-01-02T03:04:05Z",
    "amount",
    "data.report",
    "é\u{1F600}",
];

pub fn field() -> impl Strategy<Value = &'static str> {
    select(&FIELDS[..])
}

pub fn text() -> impl Strategy<Value = &'static str> {
    select(&TEXTS[..])
}

/// Small documents; the numbers gather around each other and around the edges of integer types.
pub fn json_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        6 => (-3_i64..100).prop_map(Value::from),
        2 => select(&[i64::MAX, i64::MIN, 9_007_199_254_740_993][..]).prop_map(Value::from),
        1 => Just(Value::from(u64::MAX)),
        2 => select(&[0.5_f64, -0.0, 50.0, 1e300][..]).prop_map(Value::from),
    ];
    json_of(number.boxed())
}

/// The same with numbers that digests accept, as passports and packs need them.
pub fn safe_json_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        6 => (-3_i64..100).prop_map(Value::from),
        1 => select(&[9_007_199_254_740_991, -9_007_199_254_740_991_i64][..]).prop_map(Value::from),
        1 => select(&[0.5_f64, 50.0][..]).prop_map(Value::from),
    ];
    json_of(number.boxed())
}

fn json_of(number: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number,
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            object_of(inner),
        ]
    })
}

fn object_of(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let key = prop_oneof![field(), text()];
    vec((key.prop_map(str::to_owned), values), 0..5)
        .prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

/// An object of the given fields, most of them there.
pub fn context() -> impl Strategy<Value = Map<String, Value>> {
    fields_of(json_value().boxed())
}

fn fields_of(value: BoxedStrategy<Value>) -> impl Strategy<Value = Map<String, Value>> {
    let values = prop_oneof![
        3 => value,
        2 => (0_i64..60).prop_map(Value::from),
        2 => text().prop_map(Value::from),
    ];
    vec((field(), values), 0..10).prop_map(|entries| {
        let entries = entries.into_iter();
        entries
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

/// Limits flat, nested and at the root.
pub fn limits() -> impl Strategy<Value = Value> {
    let part = || fields_of(safe_json_value().boxed()).prop_map(Value::Object);
    (part(), part(), part(), part(), any::<[bool; 3]>()).prop_map(
        |(flat, nested, other, root, held)| {
            let mut limits = root.as_object().cloned().unwrap_or_default();
            if held[0] {
                limits.insert("data.report".to_owned(), flat);
            }
            if held[1] {
                limits.insert(
                    "data".to_owned(),
                    json!({ "report": nested, "other": other }),
                );
            }
            if held[2] {
                limits.insert("report.amount".to_owned(), json!({ "note": 7 }));
            }
            Value::Object(limits)
        },
    )
}

pub fn passport() -> impl Strategy<Value = Value> {
    let capabilities = vec(
        select(&["data.report", "data.other", "web.fetch"][..]),
        0..3,
    );
    let levels = select(&["L0", "L2", "L3", "L4FIN"][..]);
    let status = prop_oneof![6 => Just("active"), 1 => Just("suspended"), 1 => Just("draft")];
    (
        limits(),
        capabilities,
        levels,
        status,
        fields_of(safe_json_value().boxed()),
    )
        .prop_map(|(limits, capabilities, level, status, rest)| {
            let capabilities: Vec<_> = capabilities.iter().map(|id| json!({"id": id})).collect();
            let mut passport = rest;
            let known = json!({
                "passport_id": AGENT, "spec_version": "oap/1.0", "owner_id": "org_generated",
                "status": status, "assurance_level": level, "capabilities": capabilities,
                "regions": ["US"], "limits": limits
            });
            passport.extend(known.as_object().cloned().unwrap_or_default());
            Value::Object(passport)
        })
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_i64..60).prop_map(|int| int.to_string()),
        select(&["9007199254740993", "99999999999999999999999", "0.5", "50.0"][..])
            .prop_map(str::to_owned),
        text().prop_map(|text| format!("'{text}'")),
        select(&["true", "false", "null"][..]).prop_map(str::to_owned),
    ]
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => field().prop_map(|name| format!("context.{name}")),
        2 => field().prop_map(str::to_owned),
        3 => field().prop_map(|name| format!("limits.{name}")),
        1 => (field(), field()).prop_map(|(a, b)| format!("limits.{a}.{b}")),
        1 => field().prop_map(|name| format!("passport.limits.{name}")),
        1 => field().prop_map(|name| format!("limits.data.report.{name}")),
        1 => field().prop_map(|name| format!("limits['{name}']")),
        1 => field().prop_map(|name| format!("limits[context.{name}]")),
        1 => field().prop_map(|name| format!("passport.{name}")),
        1 => (field(), field()).prop_map(|(a, b)| format!("context.{a}.{b}")),
        1 => (field(), field()).prop_map(|(a, b)| format!("limits.{a}[context.{b}]")),
        2 => select(&[
            "context", "limits", "policy", "passport.capabilities", "passport.assurance_level",
            "policy.min_assurance", "policy.id", "daily_total", "minute_count", "item",
            "hour_total[context.currency]", "hour_total[currency]", "recent_keys", "now()",
            "limits.report.amount.note",
        ][..]).prop_map(str::to_owned),
    ]
}

/// A condition as text. Every operation stands in parentheses.
pub fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![2 => literal(), 5 => path()];
    leaf.prop_recursive(5, 24, 3, |inner| {
        let operators = select(
            &[
                "==",
                "!=",
                "===",
                "!==",
                "<",
                "<=",
                ">",
                ">=",
                "in",
                "not in",
                "contains",
                "starts_with",
                "ends_with",
                "+",
                "-",
                "*",
                "/",
                "<=",
                "==",
                "in",
            ][..],
        );
        let joints = select(&["and", "or", "&&", "||", "OR"][..]);
        let binders = select(&["any", "all"][..]);
        let methods = select(&[".some", ".every"][..]);
        let a = || inner.clone();
        prop_oneof![
            6 => (a(), operators, a()).prop_map(|(a, op, b)| format!("(({a}) {op} ({b}))")),
            4 => (vec(a(), 2..4), joints).prop_map(|(parts, joint)| {
                let parts: Vec<_> = parts.iter().map(|part| format!("({part})")).collect();
                format!("({})", parts.join(&format!(" {joint} ")))
            }),
            2 => a().prop_map(|a| format!("(not ({a}))")),
            1 => a().prop_map(|a| format!("(-({a}))")),
            1 => a().prop_map(|a| format!("(({a}) is empty)")),
            1 => a().prop_map(|a| format!("(({a}) is not empty)")),
            1 => vec(a(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            1 => (a(), a()).prop_map(|(a, b)| format!("({a})[{b}]")),
            1 => (a(), field()).prop_map(|(a, name)| format!("({a}).{name}")),
            1 => (binders, a(), a())
                .prop_map(|(binder, body, list)| format!("{binder}({body} for item in ({list}))")),
            1 => (a(), methods, a())
                .prop_map(|(list, method, body)| format!("({list}){method}(item => {body})")),
            1 => a().prop_map(|a| format!("has({a})")),
            1 => a().prop_map(|a| format!("to_timestamp({a})")),
            1 => a().prop_map(|a| format!("getRequiredAssuranceLevel({a}, 'USD')")),
            1 => (a(), a()).prop_map(|(a, b)| format!("matches_any({a}, {b})")),
            1 => a().prop_map(|a| format!("({a}).length")),
            1 => (a(), a()).prop_map(|(a, b)| format!("({a}).includes({b})")),
            1 => (a(), a()).prop_map(|(a, b)| format!("({a}).startsWith({b})")),
            1 => (a(), a()).prop_map(|(a, b)| format!("({a}).split({b})")),
            1 => (a(), a()).prop_map(|(a, b)| format!("({a}).replace({b}, 'x')")),
        ]
    })
}

/// A pack of these conditions.
pub fn pack_of(conditions: &[String], absent: &str) -> Value {
    let rule = |(at, condition): (usize, &String)| json!({"name": format!("rule_{at}"), "deny_code": "oap.denied", "condition": condition});
    let rules: Vec<_> = conditions.iter().enumerate().map(rule).collect();
    json!({
        "id": "data.report.v1",
        "requires_capabilities": [["data.report"], ["data.other", "web.fetch"]],
        "min_assurance": "L1",
        "absent": absent,
        "counters": [
            {"name": "daily_total", "kind": "sum", "of": "amount", "by": ["currency"], "window": "day"},
            {"name": "hour_total", "kind": "sum", "of": "amount", "window": "hour"}
        ],
        "idempotency": {"field": "key"},
        "assurance_rules": [{"lte_minor": 20, "min_level": "L2"}, {"lte_minor": 50, "min_level": "L3"}],
        "required_context": {
            "type": "object",
            "properties": {"amount": {}, "currency": {}, "note": {}, "flag": {}}
        },
        "evaluation_rules": rules
    })
}

pub fn pack() -> impl Strategy<Value = Value> {
    (vec(condition(), 1..4), select(&["deny", "skip"][..]))
        .prop_map(|(conditions, absent)| pack_of(&conditions, absent))
}
