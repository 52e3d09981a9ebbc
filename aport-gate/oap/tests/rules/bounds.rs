//! Packs, passports and contexts made to be slow, deep or large. Without the bounds these tests would not end
//! or would overflow the stack.

use crate::setting::{Setting, codes, passport};
use aport_gate_oap::{Pack, PackError, Passport, parse_condition};
use serde_json::{Value, json};

fn pack(rules: usize, counters: usize) -> String {
    let rules: Vec<Value> = (0..rules)
        .map(|at| json!({ "name": format!("r{at}"), "condition": "context.n <= limits.n", "deny_code": "oap.no" }))
        .collect();
    let counters: Vec<Value> = (0..counters)
        .map(|at| json!({ "name": format!("c{at}"), "kind": "count", "window": "day" }))
        .collect();
    json!({ "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "evaluation_rules": rules, "counters": counters }).to_string()
}

#[test]
fn a_pack_has_so_many_rules_and_counters_and_no_more() {
    assert!(Pack::parse(pack(1000, 100).as_bytes()).is_ok());
    for (rules, counters, what) in [(1001, 0, "rule"), (1, 101, "counter")] {
        let text = pack(rules, counters);
        let error = Pack::parse(text.as_bytes()).unwrap_err();
        assert!(
            matches!(error, PackError::TooMany { what: found, .. } if found == what),
            "{error}"
        );
        let findings = Pack::check(text.as_bytes());
        assert!(
            findings
                .iter()
                .any(|finding| finding.message.contains("at most")),
            "{findings:?}"
        );
    }
}

#[test]
fn a_check_of_a_huge_document_ends() {
    let findings = Pack::check(pack(5_000, 5_000).as_bytes());
    assert!(findings.len() <= 200);
    let keys: Vec<String> = (0..10_000).map(|at| format!("\"k{at}\":1")).collect();
    assert!(!Passport::check(format!("{{{}}}", keys.join(",")).as_bytes()).is_empty());
}

#[test]
fn conditions_stay_short_and_flat() {
    assert!(parse_condition(&"x".repeat(1000)).is_ok());
    assert!(parse_condition(&"x".repeat(1001)).is_err());
    for open in ["(", "!", "-", "not ", "[", "a[", "any(", "has("] {
        let error = parse_condition(&open.repeat(1000 / open.len())).unwrap_err();
        assert!(
            error.message.contains("deeper") || error.message.contains("expected"),
            "{error}"
        );
    }
    assert!(
        parse_condition(&format!("{}x{}", "(".repeat(33), ")".repeat(33))).is_ok(),
        "brackets alone are no depth"
    );
}

#[test]
fn patterns_made_to_backtrack_end() {
    let hard = format!("{}b", "*a".repeat(200));
    let text = "a".repeat(4000);
    for (validator, limits, context) in [
        (
            "validateFilePathPatterns",
            json!({ "blocked_patterns": vec![hard.clone(); 2000] }),
            json!({ "file_path": text }),
        ),
        (
            "validateBlockedPatterns",
            json!({ "blocked_patterns": vec!["(a*)*b"; 2000] }),
            json!({ "command": text }),
        ),
        (
            "validateWebFetchBlockedDomains",
            json!({ "blocked_domains": vec![hard; 5000] }),
            json!({ "url": "https://a.example/" }),
        ),
        (
            "validateDeliverableBlockedPatterns",
            json!({ "scan_output": true, "blocked_patterns": vec!["x{1000}{1000}"; 500] }),
            json!({ "output_content": text }),
        ),
        (
            "validateToolNaming",
            json!({ "tool_name_pattern": "(a{500}){500}" }),
            json!({ "tool_name": "abc" }),
        ),
    ] {
        let decided = Setting::validator(validator, limits).decide(&context);
        assert!(
            codes(&decided)
                .iter()
                .all(|code| matches!(*code, "oap.policy_error" | "oap.allowed")),
            "{validator}: {:?}",
            decided.reasons
        );
    }
}

#[test]
fn values_from_a_large_context_are_cut_in_reasons() {
    let large = "/x/".to_owned() + &"y".repeat(100_000) + "/.env";
    let decided = Setting::validator("validateFilePathPatterns", json!({}))
        .decide(&json!({ "file_path": large }));
    assert_eq!(codes(&decided), ["oap.refused"]);
    assert!(serde_json::to_string(&decided.reasons).unwrap().len() < 3000);
    let many: Vec<String> = (0..10_000).map(|at| format!("/allowed/{at}")).collect();
    let decided = Setting::validator("validateFilePathPatterns", json!({ "allowed_paths": many }))
        .decide(&json!({ "file_path": "/other" }));
    assert!(serde_json::to_string(&decided.reasons).unwrap().len() < 5000);
}

#[test]
fn a_key_that_conditions_ask_about_goes_before_the_name_of_a_tool() {
    let rules = json!([
        { "name": "unique", "type": "custom_validator", "validator": "validateToolUniqueness", "deny_code": "oap.taken" },
        { "name": "once", "condition": "context.request_key not in recent_keys", "deny_code": "oap.again" }
    ]);
    let setting = Setting::new(
        json!({ "id": "acme.tool.add.v1", "requires_capabilities": ["acme.tool"], "evaluation_rules": rules }),
        json!({}),
    );
    assert_eq!(setting.pack.idempotency_field(), Some("request_key"));
    let context = json!({ "tool_name": "acme.run", "request_key": "k1", "existing_tools": [] });
    assert!(setting.decide(&context).allow);
}

#[test]
fn a_schema_whose_work_doubles_with_the_depth_of_a_context_is_refused_with_its_pack() {
    let branch = |name: &str| json!({ "required": ["type"], "properties": { "type": { "const": name }, "child": { "$ref": "#/$defs/node" } } });
    let node = |schema: Value| {
        json!({
            "id": "acme.thing.do.v1",
            "requires_capabilities": ["acme.thing"],
            "required_context": { "type": "object", "properties": { "filter": { "$ref": "#/$defs/node" } }, "$defs": { "node": schema } },
            "evaluation_rules": [{ "name": "r", "condition": "true", "deny_code": "oap.no" }],
        })
        .to_string()
    };
    let doubling = node(json!({ "type": "object", "oneOf": [branch("and"), branch("not")] }));
    let error = Pack::parse(doubling.as_bytes()).unwrap_err();
    assert!(matches!(error, PackError::Schema(_)), "{error}");
    let findings = Pack::check(doubling.as_bytes());
    assert!(
        findings
            .iter()
            .any(|finding| finding.message.contains("refers back to itself")),
        "{findings:?}"
    );
    let tree = node(branch("and"));
    assert!(Pack::parse(tree.as_bytes()).is_ok());
    assert!(
        !Pack::check(tree.as_bytes())
            .iter()
            .any(|finding| finding.message.contains("Schema"))
    );
}

#[test]
fn a_pack_of_more_capabilities_than_a_decision_may_look_through_does_not_load() {
    let pack = |count: usize, each: bool| {
        let names = (0..count).map(|at| format!("acme.thing{at}"));
        let named: Vec<serde_json::Value> = names
            .map(|name| {
                if each {
                    serde_json::json!([name])
                } else {
                    name.into()
                }
            })
            .collect();
        let pack = serde_json::json!({
            "id": "acme.thing.do.v1", "requires_capabilities": named, "evaluation_rules": []
        });
        pack.to_string()
    };
    for each in [false, true] {
        assert!(aport_gate_oap::Pack::parse(pack(100, each).as_bytes()).is_ok());
        let error = aport_gate_oap::Pack::parse(pack(101, each).as_bytes()).unwrap_err();
        assert!(error.to_string().contains("capability name"), "{error}");
        let findings = aport_gate_oap::Pack::check(pack(40_000, each).as_bytes());
        assert!(!findings.is_empty());
    }
}

#[test]
fn a_schema_of_more_patterns_or_required_fields_than_are_bounded_does_not_load() {
    let pack = |schema: Value| {
        let pack = json!({
            "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "required_context": schema,
            "evaluation_rules": [],
        });
        pack.to_string()
    };
    let with_patterns = |count: usize| {
        let properties: serde_json::Map<String, Value> = (0..count)
            .map(|at| {
                (
                    format!("p{at}"),
                    json!({ "type": "string", "pattern": "(a{1,100}){1,100}" }),
                )
            })
            .collect();
        pack(json!({ "type": "object", "properties": properties }))
    };
    assert!(Pack::parse(with_patterns(2).as_bytes()).is_ok());
    let error = Pack::parse(with_patterns(201).as_bytes()).unwrap_err();
    assert!(
        matches!(error, PackError::TooMany { most: 200, .. }),
        "{error}"
    );
    assert!(!Pack::check(with_patterns(201).as_bytes()).is_empty());

    let with_required = |count: usize| {
        let names: Vec<String> = (0..count).map(|at| format!("p{at}")).collect();
        pack(json!({ "type": "object", "required": names }))
    };
    assert!(Pack::parse(with_required(2_000).as_bytes()).is_ok());
    for count in [10_000, 90_000] {
        let error = Pack::parse(with_required(count).as_bytes()).unwrap_err();
        assert!(error.to_string().contains("required fields"), "{error}");
        assert!(!Pack::check(with_required(count).as_bytes()).is_empty());
    }
}

#[test]
fn programs_that_run_programs_are_refused_before_they_are_too_many() {
    let limits = json!({ "allowed_commands": ["ls"] });
    let nested = |unit: &str, times: usize| format!("x {}", unit.repeat(times));
    let contexts = [
        json!({ "command": "find", "shell": "bash", "args": [". -exec find ".repeat(4000)] }),
        json!({ "command": "find", "shell": "bash", "args": [". -ok find ".repeat(8000)] }),
        json!({ "command": nested(". -exec find ", 700).replacen('x', "find", 1) }),
        json!({ "command": "git", "shell": "bash", "args": ["-c alias.x=!git ".repeat(20_000)] }),
        json!({ "command": "tar", "shell": "bash", "args": ["--to-command=tar ".repeat(20_000)] }),
        json!({ "command": "xargs", "shell": "bash", "args": ["-I x ".repeat(50_000)] }),
        json!({ "command": "npm", "shell": "bash", "args": ["--a exec ".repeat(50_000)] }),
        json!({ "command": "cp", "shell": "bash", "args": ["--output=x ".repeat(50_000)] }),
    ];
    let setting = Setting::validator("validateBlockedPatterns", limits);
    for context in contexts {
        let decided = setting.decide(&context);
        assert_eq!(codes(&decided), ["oap.refused"]);
        let message = &decided.reasons[0].message;
        assert!(message.contains("more than"), "{message}");
    }
}

#[test]
fn the_conditions_of_a_decision_take_a_bounded_number_of_steps_together() {
    let rules: Vec<Value> = (0..100)
        .map(|at| json!({ "name": format!("r{at}"), "condition": "'none' not in context.items", "deny_code": "oap.no" }))
        .collect();
    let setting = Setting::new(
        json!({ "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "evaluation_rules": rules }),
        json!({}),
    );
    let items = |count: usize| json!({ "items": vec!["some"; count] });
    assert!(setting.decide(&items(10_000)).allow);
    let answer = setting.decide(&items(50_000));
    assert!(!answer.allow);
    assert!(
        answer
            .reasons
            .iter()
            .all(|reason| reason.code == "oap.policy_error")
    );
    assert!(
        answer.reasons[0].message.contains("2000000 steps"),
        "{answer:?}"
    );
}

#[test]
fn a_call_that_names_a_crowd_of_tools_gets_a_short_denial() {
    let mut setting = Setting::new(
        json!({
            "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "evaluation_rules": [],
            "mcp": { "require_allowlisted_if_present": true },
        }),
        json!({}),
    );
    setting.passport = passport(
        json!({ "capabilities": [{ "id": "acme.thing" }], "mcp": { "tools": ["acme.*"] } }),
    );
    let tools = |count: usize| json!({ "mcp_tools": (0..count).map(|at| format!("t{at}")).collect::<Vec<_>>() });
    let few = setting.decide(&tools(21));
    assert_eq!(few.reasons.len(), 21);
    assert!(few.reasons[20].message.contains("1 more"), "{few:?}");
    assert_eq!(setting.decide(&tools(1000)).reasons.len(), 21);
    let many = setting.decide(&tools(60_000));
    assert_eq!((many.allow, many.reasons.len()), (false, 1));
    let listed = json!({ "mcp_tools": vec!["acme.run"; 1001] });
    assert!(
        !setting.decide(&listed).allow,
        "nobody looked at all of them"
    );
}

#[test]
fn required_limits_that_are_no_list_of_names_are_an_error() {
    for limits in [
        json!("most"),
        json!([1]),
        json!({ "most": true }),
        json!([["most"]]),
    ] {
        let pack = json!({
            "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "limits_required": limits,
            "evaluation_rules": [],
        });
        let pack = pack.to_string();
        assert!(Pack::parse(pack.as_bytes()).is_err(), "{pack}");
        let findings = Pack::check(pack.as_bytes());
        assert!(
            findings
                .iter()
                .any(|found| found.path.starts_with("limits_required")),
            "{findings:?}"
        );
    }
}
