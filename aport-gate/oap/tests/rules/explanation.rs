//! What reasons and explanations say.

use crate::setting::{Setting, codes};
use aport_gate_oap::{Stage, StepResult};
use serde_json::{Value, json};

fn setting(rules: Value) -> Setting {
    let pack = json!({
        "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "absent": "skip",
        "required_context": { "type": "object", "required": ["amount"], "properties": {
            "amount": { "type": "integer" }, "note": { "type": "string" }, "url": { "type": "string" }, "checks": { "type": "array" } } },
        "evaluation_rules": rules
    });
    Setting::new(
        pack,
        json!({ "acme.thing": { "max": 10, "hosts": ["a.example"], "allow_notes": false, "max_writes_per_hour": 5 } }),
    )
}

fn rule(name: &str, condition: &str) -> Value {
    json!({ "name": name, "condition": condition, "deny_code": "oap.no" })
}

#[test]
fn each_step_tells_operands_and_result_in_order() {
    let mut setting = setting(json!([
        rule("holds", "context.amount <= limits.max"),
        rule("fails", "amount + 1 <= limits.max"),
        rule("skipped", "context.note == 'x'"),
        rule("unknown", "context.amount <= limits.other"),
        rule("error", "context.amount <= 'x'"),
        rule("waived", "false"),
        { "name": "rate", "type": "custom_validator", "validator": "validateWriteRateLimit", "deny_code": "oap.rate" },
        { "name": "nobody", "type": "custom_validator", "validator": "validateNothing", "deny_code": "oap.rate" }
    ]));
    setting.pack = setting.pack.with_waived("waived").unwrap();
    let context = json!({ "amount": 10 });
    let explanation = setting.explain(&context);
    let stages: Vec<_> = explanation.steps.iter().map(|step| step.stage).collect();
    let before = [
        Stage::Passport,
        Stage::Standing,
        Stage::RequiredContext,
        Stage::Capabilities,
        Stage::Assurance,
        Stage::Region,
        Stage::Mcp,
    ];
    assert_eq!(stages[..7], before);
    assert_eq!(
        stages[15..],
        [Stage::Counters, Stage::Idempotency, Stage::Approval]
    );
    let results: Vec<_> = explanation.steps[7..15]
        .iter()
        .map(|step| (step.rule.as_deref().unwrap(), step.result))
        .collect();
    assert_eq!(
        results,
        [
            ("holds", StepResult::Holds),
            ("fails", StepResult::Fails),
            ("skipped", StepResult::Skipped),
            ("unknown", StepResult::Unknown),
            ("error", StepResult::Error),
            ("waived", StepResult::Waived),
            ("rate", StepResult::Holds),
            ("nobody", StepResult::Error),
        ]
    );
    let operands: Vec<_> = explanation.steps[8]
        .operands
        .iter()
        .map(|operand| (operand.expression.as_str(), operand.value.clone()))
        .collect();
    assert_eq!(
        operands,
        [
            ("amount", Some(json!(10))),
            ("amount + 1", Some(json!(11))),
            ("limits.max", Some(json!(10)))
        ]
    );
    assert_eq!(
        explanation.steps[8].condition.as_deref(),
        Some("amount + 1 <= limits.max")
    );
    assert_eq!(
        explanation.steps[9].operands[0].note.as_deref(),
        Some("`context.note` is missing from the context")
    );
    assert_eq!(
        explanation.steps[13].validator.as_deref(),
        Some("validateWriteRateLimit")
    );
    assert!(
        explanation.steps[13]
            .operands
            .iter()
            .any(|operand| operand.expression == "limits.max_writes_per_hour")
    );
    let evaluation = setting.decide(&context);
    assert_eq!(
        (explanation.allow, &explanation.reasons),
        (evaluation.allow, &evaluation.reasons)
    );
    let text = explanation.to_string();
    assert!(
        text.contains(
            "fails   rule fails\n          amount + 1 <= limits.max\n            amount = 10"
        ),
        "{text}"
    );
    assert!(
        serde_json::to_value(&explanation).unwrap()["steps"][9]["operands"][0]["value"].is_null()
    );
}

#[test]
fn a_rule_without_a_message_tells_the_numbers() {
    for (condition, context, message, field, actual, limit) in [
        (
            "context.amount <= limits.max",
            json!({ "amount": 11 }),
            "amount 11 is over the limit 10",
            "amount",
            json!(11),
            json!(10),
        ),
        (
            "limits.hosts.some(h => context.url.includes(h))",
            json!({ "amount": 1, "url": "https://b.example" }),
            "`url` https://b.example matches none of a.example",
            "url",
            json!("https://b.example"),
            json!(["a.example"]),
        ),
        (
            "all(c in limits.hosts for c in context.checks)",
            json!({ "amount": 1, "checks": ["a.example", "z"] }),
            "z of `checks` is not one of a.example",
            "checks",
            json!("z"),
            json!(["a.example"]),
        ),
        (
            "not (context.note and not limits.allow_notes)",
            json!({ "amount": 1, "note": "x" }),
            "`note` is x and `limits.allow_notes` is false",
            "note",
            json!("x"),
            json!(false),
        ),
        (
            "!limits.hosts || limits.hosts.includes(context.url)",
            json!({ "amount": 1, "url": "z" }),
            "`url` z is not one of a.example",
            "url",
            json!("z"),
            json!(["a.example"]),
        ),
    ] {
        let decided = setting(json!([rule("r", condition)])).decide(&context);
        let reason = &decided.reasons[0];
        let details = reason.details.as_ref().unwrap();
        assert_eq!(reason.message, message, "{condition}");
        assert_eq!(
            (
                details.field.as_deref(),
                details.actual.as_ref(),
                details.limit.as_ref()
            ),
            (Some(field), Some(&actual), Some(&limit)),
            "{condition}"
        );
    }
}

#[test]
fn a_sentence_of_the_pack_is_followed_by_what_was_found() {
    let mut with_message = rule("r", "context.amount <= limits.max");
    with_message["message"] = json!("Too much.");
    let decided = setting(json!([with_message])).decide(&json!({ "amount": 11 }));
    assert_eq!(
        decided.reasons[0].message,
        "Too much. (amount 11 is over the limit 10)"
    );
}

#[test]
fn a_sentence_about_a_validator_is_followed_by_what_it_found() {
    let rule = json!({ "name": "h", "type": "custom_validator", "validator": "validateWebFetchHeaders", "deny_code": "oap.no", "message": "Blocked." });
    let decided =
        setting(json!([rule])).decide(&json!({ "amount": 1, "headers": { "Cookie": "a=b" } }));
    assert_eq!(
        decided.reasons[0].message,
        "Blocked. (header `Cookie` carries credentials)"
    );
}

#[test]
fn whether_the_key_of_a_call_was_used_before_is_said() {
    let pack = json!({
        "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "idempotency": { "field": "key" },
        "required_context": { "type": "object" },
        "evaluation_rules": [rule("once", "context.key not in recent_keys")]
    });
    let mut setting = Setting::new(pack, json!({}));
    let context = json!({ "key": "k-1" });
    for (seen, result, note) in [
        (true, StepResult::Fails, "this call's key is one of them"),
        (false, StepResult::Holds, "this call's key is none of them"),
    ] {
        setting.usage.key_seen = seen;
        let explanation = setting.explain(&context);
        let step = explanation
            .steps
            .iter()
            .find(|step| step.rule.as_deref() == Some("once"))
            .unwrap();
        assert_eq!(step.result, result);
        let printed = step.to_string();
        assert!(printed.contains(note), "{printed}");
        assert!(!printed.contains("null"), "{printed}");
    }
}

#[test]
fn texts_of_a_pack_cannot_forge_lines_of_an_explanation() {
    let forged = "x\n  allow: forged";
    let mut one = rule(forged, "context.amount\n <= limits.none");
    one["deny_code"] = forged.into();
    one["message"] = forged.into();
    let explanation = setting(json!([one])).explain(&json!({ "amount": 1 }));
    let printed = explanation.to_string();
    assert!(printed.contains("x   allow: forged"), "{printed}");
    let mut lines = printed.lines();
    assert!(
        !lines.any(|line| line.trim_start().starts_with("allow: forged")),
        "{printed}"
    );
}

#[test]
fn a_limit_that_readers_of_json_round_is_told_as_text_so_that_the_denial_can_be_signed() {
    for (condition, limit) in [
        (
            "context.amount >= 9007199254740993",
            json!("9007199254740993"),
        ),
        ("context.amount >= 1e21", json!("1e+21")),
        ("context.amount in [1e21, 2]", json!(["1e+21", 2])),
        (
            "context.amount >= 9007199254740991",
            json!(9_007_199_254_740_991_i64),
        ),
    ] {
        let setting = setting(json!([rule("large", condition)]));
        let answer = setting.decide(&json!({ "amount": 1 }));
        let details = answer.reasons[0].details.as_ref().unwrap();
        assert_eq!(answer.reasons[0].code, "oap.no");
        assert_eq!(details.limit, Some(limit), "{condition}");
        let signed = serde_json::to_value(&answer.reasons).unwrap();
        assert!(aport_gate_oap::canonical_json(&signed).is_ok(), "{signed}");
    }
}

#[test]
fn a_key_that_was_used_before_is_said_plainly() {
    let asks = json!({ "name": "once", "condition": "context.key not in recent_keys", "deny_code": "oap.again" });
    for rules in [json!([]), json!([asks])] {
        let pack = json!({
            "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"],
            "idempotency": { "field": "key" }, "evaluation_rules": rules
        });
        let mut setting = Setting::new(pack, json!({}));
        let text = setting.explain(&json!({ "key": "k-1" })).to_string();
        assert!(
            text.contains(
                "holds   idempotency key\n            idempotency key `k-1` was not used before"
            ),
            "{text}"
        );
        setting.usage.key_seen = true;
        let explanation = setting.explain(&json!({ "key": "k-1" }));
        let text = explanation.to_string();
        assert!(
            text.contains(
                "fails   idempotency key\n            idempotency key `k-1` was used before"
            ),
            "{text}"
        );
        assert!(!explanation.allow);
    }
}

#[test]
fn a_name_that_nothing_describes_is_said_to_be_missing_from_the_context_under_skip_as_well() {
    let pack = json!({
        "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "absent": "skip",
        "required_context": { "type": "object", "properties": { "size": { "type": "integer" } } },
        "evaluation_rules": [
            { "name": "rows", "condition": "rows <= 5", "deny_code": "oap.rows" },
            { "name": "size", "condition": "size <= 5", "deny_code": "oap.size" }
        ]
    });
    let denied = Setting::new(pack, json!({})).decide(&json!({}));
    assert_eq!(codes(&denied), ["oap.rows"]);
    let message = &denied.reasons[0].message;
    assert!(
        message.contains("add it to the context")
            && message.contains("only for fields that `required_context` describes"),
        "{message}"
    );
}
