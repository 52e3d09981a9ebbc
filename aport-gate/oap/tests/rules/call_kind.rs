//! Counters that a pack does not declare and whose name says which kind of call they count.

use crate::reference::folder;
use crate::setting::{Setting, codes};
use aport_gate_oap::{Pack, StepResult};
use serde_json::{Value, json};

fn pack(rules: &[&str]) -> Value {
    let rules: Vec<Value> = rules
        .iter()
        .enumerate()
        .map(|(at, condition)| {
            json!({ "name": format!("rule_{at}"), "condition": condition, "deny_code": "oap.limit_exceeded" })
        })
        .collect();
    json!({
        "id": "acme.ship.v1", "requires_capabilities": ["acme.ship"], "evaluation_rules": rules,
        "required_context": { "type": "object", "properties": {
            "action": { "enum": ["cargo.load", "cargo.unload", "ship.move"] },
            "kind": { "enum": ["load", "unload"] }
        } }
    })
}

fn run(setting: &mut Setting, action: &str) -> Vec<String> {
    let answer = setting.run(&json!({ "action": action }));
    codes(&answer).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_counter_counts_calls_of_the_kind_that_it_names_and_holds_only_them() {
    let rules = [
        "daily_load_count < limits.max_loads_per_day",
        "limits.max_cargo > daily_cargo_count",
    ];
    let limits = json!({ "acme.ship": { "max_loads_per_day": 1, "max_cargo": 3 } });
    let mut setting = Setting::new(pack(&rules), limits);
    let allowed = ["oap.allowed"];
    assert_eq!(run(&mut setting, "cargo.unload"), allowed);
    assert_eq!(
        run(&mut setting, "cargo.load"),
        allowed,
        "no load was counted before"
    );
    assert_eq!(
        run(&mut setting, "cargo.load"),
        ["oap.limit_exceeded"],
        "one load a day"
    );
    assert_eq!(
        run(&mut setting, "cargo.unload"),
        allowed,
        "an unload is no load"
    );
    assert_eq!(
        run(&mut setting, "cargo.unload"),
        ["oap.limit_exceeded"],
        "but it is cargo"
    );
    for _ in 0..3 {
        assert_eq!(run(&mut setting, "ship.move"), allowed, "moving is neither");
    }
    let explanation = setting.explain(&json!({ "action": "ship.move" }));
    let rules = explanation.steps.iter().filter(|step| step.rule.is_some());
    assert!(
        rules
            .into_iter()
            .all(|step| step.result == StepResult::Skipped),
        "{explanation}"
    );
}

#[test]
fn a_call_of_no_known_kind_counts_everywhere() {
    let mut json = pack(&["daily_load_count < limits.max_loads_per_day"]);
    // Nothing checks the value here, so any may come.
    json["required_context"]["properties"]["action"] = json!({});
    json["required_context"]["properties"]["operation"] = json!({ "enum": ["load", "move"] });
    let limits = json!({ "acme.ship": { "max_loads_per_day": 2 } });
    let mut setting = Setting::new(json, limits);
    for context in [json!({}), json!({ "operation": "load" })] {
        assert_eq!(setting.run(&context).charges.len(), 1, "{context}");
    }
    for context in [json!({}), json!({ "operation": "load" })] {
        assert_eq!(
            codes(&setting.run(&context)),
            ["oap.limit_exceeded"],
            "{context}"
        );
    }
    let moved = setting.run(&json!({ "operation": "move" }));
    assert!(moved.allow && moved.charges.is_empty());
    let refused = setting.run(&json!({ "operation": "Move" }));
    assert!(
        codes(&refused).contains(&"oap.limit_exceeded"),
        "{:?}",
        refused.reasons
    );
}

#[test]
fn without_a_clear_sign_every_call_counts() {
    let declared = json!([{ "name": "daily_load_count", "kind": "count", "window": "day" }]);
    let mut of_pack = pack(&["daily_load_count < limits.max_loads_per_day"]);
    of_pack["counters"] = declared;
    for json in [
        // The pack says itself what it counts.
        of_pack,
        // The limit is about something else, or the rule is.
        pack(&["daily_load_count < limits.max_per_day"]),
        pack(&["daily_load_count < limits.max_loads_per_day and context.action != 'ship.sink'"]),
        pack(&[
            "daily_load_count < limits.max_loads_per_day",
            "daily_load_count < 100",
        ]),
        // No kind of call has this name, or all have it.
        pack(&["daily_total_load_count < limits.max_loads_per_day"]),
        pack(&["daily_crane_count < limits.max_cranes_per_day"]),
    ] {
        let limits = json!({ "acme.ship": { "max_loads_per_day": 5, "max_per_day": 5, "max_cranes_per_day": 5 } });
        let mut setting = Setting::new(json.clone(), limits);
        let answer = setting.run(&json!({ "action": "ship.move" }));
        assert_eq!(answer.charges.len(), 1, "{json}: {:?}", answer.reasons);
        for used in setting.usage.counters.values_mut() {
            *used = 1000;
        }
        let denied = setting.run(&json!({ "action": "ship.move" }));
        let said = denied.reasons[0]
            .message
            .contains("it counts all calls under this pack");
        assert_eq!(said, json.get("counters").is_none(), "{:?}", denied.reasons);
    }
}

#[test]
fn a_check_says_what_is_counted() {
    let told = |rules: &[&str]| -> String {
        let findings = Pack::check(pack(rules).to_string().as_bytes());
        let texts: Vec<String> = findings
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        texts.join("\n")
    };
    let text = told(&["daily_cargo_count < limits.max_cargo"]);
    assert!(
        text.contains(
            "the number of calls whose `action` is `cargo.load` or `cargo.unload` in a UTC day"
        ),
        "{text}"
    );
    let text = told(&["daily_crane_count < limits.max_cranes"]);
    assert!(
        text.contains("the number of all calls under this pack in a UTC day"),
        "{text}"
    );
}

#[test]
fn opening_pull_requests_does_not_use_up_the_merges_of_the_published_pack() {
    let Some(folder) = folder() else { return };
    let json = std::fs::read(folder.join("packs/code.repository.merge.v1.json")).unwrap();
    let limits = json!({ "repo.merge": { "max_prs_per_day": 10, "max_merges_per_day": 2, "max_pr_size_kb": 1 } });
    let json: Value = serde_json::from_slice(&json).unwrap();
    let mut setting = Setting::new(json, limits);
    setting.passport = crate::setting::passport(json!({
        "capabilities": ["repo.pr.create", "repo.merge", "pr.create", "pr.merge"],
        "limits": setting.passport.as_value()["limits"]
    }));
    let call = |action: &str| json!({ "repository": "acme/shop", "action": action, "branch": "main", "lines_added": 1, "lines_removed": 1 });
    for action in [
        "pr.create",
        "pr.create",
        "pr.create",
        "pr.merge",
        "pr.merge",
    ] {
        let answer = setting.run(&call(action));
        assert!(answer.allow, "{action}: {:?}", answer.reasons);
    }
    let third = setting.run(&call("pr.merge"));
    assert_eq!(codes(&third), ["oap.limit_exceeded"]);
    assert!(
        third.reasons[0].message.contains(
            "`daily_merge_count` is 2, the cap is 2; it counts calls whose `action` is `pr.merge`"
        ),
        "{:?}",
        third.reasons
    );
    assert!(setting.run(&call("pr.create")).allow);
}
