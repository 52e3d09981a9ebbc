//! `policy test`: which vectors it takes, how it pairs them, and what it says.

mod circumstances;
mod expectations;
mod ours_and_published;
mod pairing;
mod passports;
mod reports;

use serde_json::{Value, json};

use crate::support::{Place, Run};

const OURS: [&str; 2] = ["finance.payment.refund.v1", "code.repository.merge.v1"];

fn pack(rules: Value) -> String {
    json!({
        "id": "test.thing.do.v1", "requires_capabilities": ["thing.do"],
        "counters": [{ "name": "daily_count", "kind": "count", "window": "day" }],
        "required_context": { "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } },
        "evaluation_rules": rules,
    })
    .to_string()
}

fn limit_rule() -> Value {
    json!([{ "name": "within", "condition": "context.n <= limits.most", "deny_code": "oap.limit_exceeded" }])
}

fn passport() -> Value {
    json!({
        "passport_id": "ap_vectors", "spec_version": "oap/1.0", "owner_id": "org_1", "status": "active",
        "assurance_level": "L1", "capabilities": [{ "id": "thing.do" }], "limits": { "thing.do": { "most": 5 } },
    })
}

/// Replays these files under the pack with one rule, `n <= 5`.
fn replay(contexts: &str, expected: &str, more: &[&str]) -> Run {
    replay_with(&pack(limit_rule()), &passport(), contexts, expected, more)
}

fn replay_with(pack: &str, passport: &Value, contexts: &str, expected: &str, more: &[&str]) -> Run {
    let place = Place::new();
    let files = [
        place.write("pack.json", pack),
        place.write("passport.json", passport.to_string()),
        place.write("contexts.jsonl", contexts),
        place.write("expected.jsonl", expected),
    ];
    let mut arguments = vec!["policy", "test", &files[0], "--passport", &files[1]];
    arguments.extend(["--contexts", &files[2], "--expected", &files[3]]);
    arguments.extend(more);
    place.run(&arguments)
}

/// Whether each case passes, in order.
fn passes(run: Run) -> Vec<bool> {
    let code = run.code;
    let answer = run.json(code);
    let cases = answer["cases"].as_array().unwrap();
    let passes: Vec<bool> = cases
        .iter()
        .map(|case| case["pass"].as_bool().unwrap())
        .collect();
    assert_eq!(code, i32::from(passes.contains(&false)), "{answer}");
    passes
}
