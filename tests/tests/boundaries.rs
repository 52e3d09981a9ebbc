//! Boundary tests from a passport's limits, on packs that are right and on packs that are not.

use aport_gate::oap::embedded_packs;
use aport_gate::testing::{Boundaries, TestPassport, boundaries};
use serde_json::{Value, json};

fn embedded(id: &str) -> &'static [u8] {
    embedded_packs()
        .iter()
        .find(|(known, _)| *known == id)
        .unwrap()
        .1
}

/// A pack that caps a deployment's size and the deployments of a day, with the given conditions.
fn pack(size: &str, daily: &str) -> Vec<u8> {
    json!({
        "id": "acme.deploy.v1", "requires_capabilities": ["acme.deploy"],
        "counters": [{ "name": "daily_count", "kind": "count", "window": "day" }],
        "required_context": {
            "type": "object", "required": ["size"],
            "properties": { "size": { "type": "integer", "minimum": 0 } },
        },
        "evaluation_rules": [
            { "name": "size", "condition": size, "deny_code": "acme.size" },
            { "name": "daily", "condition": daily, "deny_code": "acme.daily" },
        ],
    })
    .to_string()
    .into_bytes()
}

fn deployments(limits: Value) -> TestPassport {
    TestPassport::new("ap_ops").capability("acme.deploy", limits)
}

fn found(size: &str, daily: &str) -> Boundaries {
    let passport = deployments(json!({ "most": 50, "least": 2, "daily": 3 }));
    boundaries(&pack(size, daily), &passport, &json!({ "size": 10 }))
}

const DAILY: &str = "daily_count < limits.daily";

#[test]
fn limits_above_and_below_and_of_a_day_are_found() {
    let found = found(
        "context.size <= limits.most and context.size >= limits.least",
        DAILY,
    );
    found.check();
    found.check_every_limit_counts();
    let seen: Vec<_> = found
        .cases()
        .iter()
        .map(|case| {
            (
                case.limit.as_str(),
                case.measured.as_str(),
                case.first_denied,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("acme.deploy.daily", "counter `daily_count`", 4),
            ("acme.deploy.least", "field `size`", 1),
            ("acme.deploy.most", "field `size`", 51),
        ]
    );
    assert_eq!(found.cases()[2].context["size"], 50);
}

#[test]
fn a_rule_that_is_off_by_one_is_named() {
    for (size, daily, rule) in [
        ("context.size < limits.most", DAILY, "size"),
        ("context.size > limits.least", DAILY, "size"),
        (
            "context.size <= limits.most",
            "daily_count + 1 < limits.daily",
            "daily",
        ),
    ] {
        let found = found(size, daily);
        let panic = std::panic::catch_unwind(|| found.check()).expect_err("it holds");
        let said = panic.downcast_ref::<String>().unwrap();
        assert!(said.contains(&format!("rule `{rule}` denies")), "{said}");
    }
}

#[test]
fn a_limit_that_no_rule_reads_is_named() {
    let found = found("context.size <= limits.most", DAILY);
    found.check();
    assert_eq!(found.idle_limits(), ["acme.deploy.least"]);
    let panic = std::panic::catch_unwind(|| found.check_every_limit_counts());
    let said = panic.expect_err("it holds");
    assert!(
        said.downcast_ref::<String>()
            .unwrap()
            .contains("acme.deploy.least")
    );
}

#[test]
fn equal_limits_are_told_apart() {
    let passport = deployments(json!({ "most": 9, "daily": 9, "least": 0 }));
    let pack = pack(
        "context.size <= limits.most and context.size >= limits.least",
        DAILY,
    );
    let found = boundaries(&pack, &passport, &json!({ "size": 5 }));
    let limits: Vec<_> = found
        .cases()
        .iter()
        .map(|case| case.limit.as_str())
        .collect();
    // Below the least there is nothing: the pack's own schema begins at 0.
    assert_eq!(limits, ["acme.deploy.daily", "acme.deploy.most"]);
}

#[test]
fn the_embedded_packs_hold_at_their_limits() {
    let merges = TestPassport::new("ap_dev").capability(
        "code.repository.merge",
        json!({
            "allowed_repositories": ["my-org/*"], "allowed_base_branches": ["main"],
            "max_merges_per_day": 5, "max_pr_size_kb": 300,
        }),
    );
    let merge = json!({
        "repository": "my-org/shop", "action": "pr.merge", "branch": "main", "pr_number": 1, "size_kb": 1,
    });
    let found = boundaries(embedded("code.repository.merge.v1"), &merges, &merge);
    found.check();
    found.check_every_limit_counts();
}

#[test]
fn a_call_that_is_denied_as_it_is_has_no_boundaries() {
    let passport = deployments(json!({ "most": 5, "daily": 3, "least": 1 }));
    let pack = pack("context.size <= limits.most", DAILY);
    let outcome = std::panic::catch_unwind(|| boundaries(&pack, &passport, &json!({ "size": 10 })));
    let said = outcome.expect_err("it is allowed");
    assert!(said.downcast_ref::<String>().unwrap().contains("acme.size"));
}
