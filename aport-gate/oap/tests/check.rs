//! What `Pack::check` finds, and where.

use aport_gate_oap::{Finding, Pack, Severity, embedded_packs};
use serde_json::{Value, json};

fn pack(rules: &str) -> String {
    format!(
        r#"{{
  "id": "acme.deploy.run.v1",
  "requires_capabilities": ["acme.deploy"],
  "required_context": {{
    "type": "object",
    "required": ["stage"],
    "properties": {{ "stage": {{ "type": "string" }}, "size": {{ "type": "integer" }} }}
  }},
  "evaluation_rules": [
{rules}
  ]
}}"#
    )
}

fn rule(name: &str, condition: &str) -> String {
    format!(r#"    {{"name": "{name}", "condition": "{condition}", "deny_code": "oap.no"}}"#)
}

fn errors(text: &str) -> Vec<Finding> {
    let mut findings = Pack::check(text.as_bytes());
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}

fn warnings(text: &str) -> Vec<String> {
    let findings = Pack::check(text.as_bytes());
    let warnings = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning);
    warnings.map(|finding| finding.message.clone()).collect()
}

#[test]
fn embedded_packs_have_no_findings() {
    for (id, json) in embedded_packs() {
        assert_eq!(Pack::check(json), Vec::new(), "{id}");
    }
}

#[test]
fn text_that_is_not_json_is_one_finding_with_line_and_column_in_characters() {
    let findings = Pack::check("{\n  \"é\" 1}".as_bytes());
    assert_eq!(findings.len(), 1);
    assert_eq!(
        (findings[0].line, findings[0].column),
        (2, 7),
        "{findings:?}"
    );
    assert!(findings[0].message.starts_with("not JSON: expected `:`"));
}

#[test]
fn bytes_that_are_not_utf8_are_placed() {
    let findings = Pack::check(b"{\n \"a\": \"\xff\"}");
    assert_eq!((findings[0].line, findings[0].column), (2, 8));
    assert_eq!(findings[0].message, "not UTF-8 text");
}

#[test]
fn all_duplicate_keys_are_found_each_at_its_second_place() {
    let text = "{\n \"id\": \"a.b.v1\", \"id\": \"a.b.v1\", \"requires_capabilities\": [\"x\"],\n \
                \"evaluation_rules\": [{\"name\": \"n\", \"name\": \"m\", \"condition\": \"true\", \"deny_code\": \"c\"}]}";
    let found = errors(text);
    let places: Vec<_> = found
        .iter()
        .map(|f| (f.path.as_str(), f.line, f.column))
        .collect();
    assert_eq!(
        places,
        [("id", 2, 18), ("evaluation_rules[0].name", 3, 37)],
        "{found:?}"
    );
}

#[test]
fn wrong_types_are_reported_together_not_only_the_first() {
    let text = r#"{"id": "nope", "requires_capabilities": "x", "min_assurance": "L9", "absent": "maybe",
        "counters": [{"name": "c", "kind": "sum", "window": "week"}, 7],
        "idempotency": {}, "required_context": {"type": "objekt", "properties": {"a": {"minLength": "x"}}},
        "evaluation_rules": [{"condition": "true", "deny_code": "c"}, {"name": 1, "condition": "true", "deny_code": "c"}]}"#;
    let found = errors(text);
    let paths: Vec<_> = found.iter().map(|finding| finding.path.as_str()).collect();
    for path in [
        "id",
        "requires_capabilities",
        "min_assurance",
        "absent",
        "counters[0]",
        "counters[1]",
        "idempotency",
        "required_context.type",
        "required_context.properties.a.minLength",
        "evaluation_rules[0]",
        "evaluation_rules[1].name",
    ] {
        assert!(paths.contains(&path), "{path} is not in {found:#?}");
    }
}

#[test]
fn a_condition_error_stands_at_the_character_in_the_file_and_shows_a_caret() {
    // The escaped quotes before the mistake count as two characters in the file, one in the condition.
    let text = pack(&rule("stage_known", r#"context.stage == \"é\" = 1"#));
    let found = errors(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    let line = text.lines().nth(found[0].line - 1).unwrap();
    let at: String = line.chars().skip(found[0].column - 1).take(3).collect();
    assert_eq!(at, "= 1", "{found:?}");
    assert_eq!(
        found[0].snippet.as_deref(),
        Some("context.stage == \"é\" = 1\n                     ^")
    );
    assert!(found[0].message.contains("`stage_known`"), "{found:?}");
}

#[test]
fn two_rules_of_one_name_are_an_error_at_the_second() {
    let found = errors(&pack(&[rule("a", "true"), rule("a", "true")].join(",\n")));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].path.as_str(), found[0].line),
        ("evaluation_rules[1].name", 11)
    );
}

#[test]
fn a_missing_key_that_is_misspelt_is_named() {
    let text = pack(&rule("a", "true")).replace("requires_capabilities", "requires_capabilites");
    let found = errors(&text);
    assert_eq!(
        found[0].message,
        "`requires_capabilities` is missing; is `requires_capabilites` meant to be it?"
    );
}

#[test]
fn names_that_nothing_declares_are_warned_about_with_the_nearest() {
    let text = pack(&[rule("a", "context.stge == 'x'"), rule("b", "flavour == 1")].join(",\n"));
    let found = warnings(&text);
    assert_eq!(
        found,
        [
            "`stge` is not described in `required_context`; did you mean `stage`?",
            "`flavour` is not described in `required_context`; nothing promises that it is there"
        ]
    );
}

#[test]
fn counters_and_limits_that_do_not_meet_a_rule_are_warned_about() {
    let text = pack(&rule("a", "hourly_count < limits.most")).replace(
        r#""evaluation_rules""#,
        r#""counters": [{"name": "unread", "kind": "count", "window": "day"}],
  "limits_required": ["most", "least"],
  "evaluation_rules""#,
    );
    let found = warnings(&text);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("counter `unread` is counted but no rule"));
    assert!(found[1].starts_with("`least` is asked for but no rule"));
    assert!(found[2].starts_with("counter `hourly_count` is not declared"));
}

#[test]
fn a_check_without_errors_means_that_the_pack_loads_with_every_rule() {
    for rules in [rule("a", "true"), rule("a", "nope(1)"), "1".to_owned()] {
        let text = pack(&rules);
        let loads = Pack::parse(text.as_bytes()).is_ok_and(|pack| pack.problems().is_empty());
        assert_eq!(errors(&text).is_empty(), loads, "{text}");
    }
}

#[test]
fn hostile_text_ends_in_findings() {
    let deep = "[".repeat(100_000);
    assert_eq!(Pack::check(deep.as_bytes()).len(), 1);
    let wide = format!("{{{}}}", vec!["\"a\":1"; 5_000].join(","));
    assert!(Pack::check(wide.as_bytes()).len() <= 200);
    assert!(!Pack::check(b"").is_empty());
    assert!(!Pack::check(b"\xef\xbb\xbf{}").is_empty());
    assert!(!Pack::check(b"null").is_empty());
}

#[test]
fn a_byte_order_mark_is_named_by_check_and_by_load() {
    let text = b"\xef\xbb\xbf{\"id\": \"test.thing.do.v1\", \"requires_capabilities\": [], \"evaluation_rules\": []}";
    let found = Pack::check(text);
    assert!(found[0].message.contains("byte order mark"), "{found:?}");
    assert_eq!((found.len(), found[0].line, found[0].column), (1, 1, 1));
    let refused = Pack::parse(text).unwrap_err().to_string();
    assert!(refused.contains("byte order mark"), "{refused}");
}

#[test]
fn a_pack_is_bounded_in_bytes_and_in_what_its_schema_asks_for() {
    let pack = |schema: Value| {
        let pack = json!({
            "id": "test.thing.do.v1", "requires_capabilities": ["thing.do"], "evaluation_rules": [],
            "required_context": schema
        });
        pack.to_string()
    };
    let large = pack(json!({ "description": "x".repeat(1 << 20) }));
    for problem in [
        Pack::parse(large.as_bytes()).unwrap_err().to_string(),
        errors(&large)[0].message.clone(),
    ] {
        assert!(problem.contains("at most 1048576"), "{problem}");
    }
    let properties: serde_json::Map<_, _> = (0..11_000)
        .map(|at| (format!("p{at}"), json!({})))
        .collect();
    let mut deep = json!({ "type": "string" });
    for _ in 0..13 {
        deep = json!({ "anyOf": [deep, deep] });
    }
    for schema in [
        json!({ "properties": properties }),
        json!({ "properties": { "x": deep } }),
    ] {
        let text = pack(schema);
        let found = errors(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].message.contains("more than 10000 subschemas"),
            "{found:?}"
        );
        assert!(Pack::parse(text.as_bytes()).is_err());
    }
}

#[test]
fn counters_that_nobody_declared_are_bounded() {
    let rule = |at: usize| {
        json!({
            "name": format!("r{at}"), "deny_code": "oap.no", "condition": format!("daily_a{at}_count < 1")
        })
    };
    let pack = |rules: usize| {
        json!({
            "id": "test.thing.do.v1", "requires_capabilities": ["thing.do"],
            "evaluation_rules": (0..rules).map(rule).collect::<Vec<_>>()
        })
    };
    let problems = |rules: usize| {
        Pack::parse(pack(rules).to_string().as_bytes())
            .unwrap()
            .problems()
    };
    assert_eq!(problems(100), []);
    let over = problems(103);
    assert_eq!(over.len(), 3, "{over:?}");
    assert!(
        over[0].message.contains("more than 100 counters"),
        "{over:?}"
    );
}

#[test]
fn a_request_for_approval_that_is_not_understood_is_an_error_and_one_by_another_name_a_warning() {
    let with = |fields: &str| pack(&rule("a", "true")).replacen('{', &format!("{{ {fields},"), 1);
    for (fields, path) in [
        (r#""approval_required": "yes""#, "approval_required"),
        (
            r#""approval_required": {"above": "10"}"#,
            "approval_required",
        ),
        (r#""approval_threshold": true"#, "approval_threshold"),
        (
            r#""enforcement": {"approval_required": ["x"]}"#,
            "enforcement.approval_required",
        ),
    ] {
        let found = errors(&with(fields));
        assert_eq!(found.len(), 1, "{fields}: {found:?}");
        assert_eq!(found[0].path, path);
        assert!(found[0].message.contains("every call needs a person"));
    }
    for fields in [
        r#""approval_required": true"#,
        r#""approval_required": "true""#,
        r#""approval_required": {"above": 10, "USD": 5}"#,
        r#""approval_limit": {"USD": 5}"#,
        r#""enforcement": {"approval_required": false}"#,
        r#""requires_approval": false"#,
    ] {
        assert_eq!(errors(&with(fields)), Vec::new(), "{fields}");
        assert_eq!(warnings(&with(fields)), Vec::<String>::new(), "{fields}");
    }
    let found = warnings(&with(
        r#""requires_approval": true, "mcp": {"require_allowlisted_if_present": 1}"#,
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("`requires_approval` is read as `approval_required: true`"));
    assert!(found[1].contains("counts as `true`"));
}

#[test]
fn every_unusable_pattern_is_named_at_its_place_also_beside_another_mistake() {
    let text = pack(&rule("a", "true")).replace(
        r#""size": { "type": "integer" }"#,
        r#""size": { "type": "integr", "pattern": "(" }, "b": { "type": "string", "pattern": "[" },
           "c": { "patternProperties": { "*": {} } }, "d": { "pattern": "^fine$", "const": { "pattern": "(" } }"#,
    );
    let found = errors(&text);
    let paths: Vec<_> = found.iter().map(|finding| finding.path.as_str()).collect();
    let properties = "required_context.properties";
    assert_eq!(
        paths,
        [
            format!("{properties}.size.type"),
            format!("{properties}.size.pattern"),
            format!("{properties}.b.pattern"),
            format!("{properties}.c.patternProperties"),
        ],
        "{found:#?}"
    );
}

#[test]
fn a_rule_or_counter_without_a_name_does_not_hide_what_else_is_wrong_with_it() {
    let text = pack(
        r#"{"condition": "nope(1)"}, {"name": "b", "condition": "true", "deny_code": ""},
           {"name": " ", "type": 7, "condition": "nope(1)", "deny_code": 1},
           {"type": "custom_validator"}, 7"#,
    )
    .replace(
        r#""evaluation_rules""#,
        r#""counters": [{"kind": "average", "window": "week"}, {"name": "c", "kind": "sum", "window": "day", "by": 1}],
           "evaluation_rules""#,
    );
    let found = errors(&text);
    let about = |path: &str, message: &str| {
        found
            .iter()
            .filter(|one| one.path == path && one.message.contains(message))
            .count()
    };
    for (path, message) in [
        ("evaluation_rules[0]", "`name` is missing"),
        ("evaluation_rules[0]", "`deny_code` is missing"),
        ("evaluation_rules[0].condition", "nope"),
        ("evaluation_rules[1].deny_code", "not empty"),
        ("evaluation_rules[2].name", "not empty"),
        ("evaluation_rules[2].type", "must be a string"),
        ("evaluation_rules[2].condition", "nope"),
        ("evaluation_rules[2].deny_code", "must be a string"),
        ("evaluation_rules[3]", "`validator` is missing"),
        ("evaluation_rules[3]", "`name` is missing"),
        ("evaluation_rules[4]", "must be an object"),
        ("counters[0]", "`name` is missing"),
        ("counters[0].kind", "`count`"),
        ("counters[0].window", "`minute`"),
        ("counters[1]", "`of` is missing"),
        ("counters[1].by", "a list of strings"),
    ] {
        assert_eq!(about(path, message), 1, "{path} {message}: {found:#?}");
    }
    let empty = pack(r#"{"name": "a", "condition": "true", "deny_code": ""}"#);
    assert!(Pack::parse(empty.as_bytes()).is_err());
}

#[test]
fn a_finding_is_printed_on_its_own_lines_only() {
    let text =
        pack(r#"{"name": "x\n/etc/other.json: ok\n", "condition": "nope(1)", "deny_code": "a.b"}"#);
    let found = errors(&text);
    let printed = found[0].to_string();
    assert!(printed.contains("x /etc/other.json: ok"), "{printed}");
    assert_eq!(printed.lines().count(), 3, "{printed}");
}

#[test]
fn an_error_does_not_hide_what_else_there_is_to_say() {
    let of = |fields: Value| {
        let mut pack = json!({
            "id": "acme.deploy.run.v1", "requires_capabilities": ["acme.deploy"], "limits_required": ["max_size"],
            "counters": [
                { "name": "runs", "kind": "count", "window": "day" },
                { "name": "idle", "kind": "count", "window": "day" }
            ],
            "required_context": { "type": "object", "properties": {
                "stage": { "type": "string" }, "size": { "type": "integer" } } },
            "evaluation_rules": [
                { "name": "a", "condition": "context.stge == 'x'", "deny_code": "oap.no" },
                { "name": "b", "condition": "context.stage == 1 && runs < 5", "deny_code": "oap.no" },
                { "name": "c", "condition": "context.size <= limits.max_siz", "deny_code": "oap.no" }
            ]
        });
        for (key, value) in fields.as_object().unwrap() {
            *pack.pointer_mut(key).unwrap_or_else(|| panic!("{key}")) = value.clone();
        }
        pack.to_string()
    };
    let whole = warnings(&of(json!({})));
    assert_eq!(whole.len(), 4, "{whole:?}");
    for fields in [
        json!({ "/id": "Acme" }),
        json!({ "/requires_capabilities": "acme.deploy" }),
        json!({ "/required_context/properties/size/type": "interger" }),
        json!({ "/evaluation_rules/0/deny_code": 7 }),
        json!({ "/evaluation_rules/1/name": "a" }),
        json!({ "/evaluation_rules/2/name": "" }),
    ] {
        let text = of(fields.clone());
        assert_eq!(errors(&text).len(), 1, "{fields}: {:?}", errors(&text));
        assert_eq!(warnings(&text), whole, "{fields}");
    }
    let text = of(json!({ "/counters/1/name": "runs" }));
    assert_eq!(errors(&text).len(), 1);
    let told: Vec<_> = whole
        .iter()
        .filter(|text| !text.contains("`idle`"))
        .collect();
    assert_eq!(warnings(&text).iter().collect::<Vec<_>>(), told);
}

#[test]
fn keys_and_names_that_are_nearly_known_are_told_with_the_nearest() {
    let text = json!({
        "id": "acme.deploy.run.v1", "requires_capabilities": ["acme.deploy"], "status": "actve",
        "evalution_rules": [], "vendor_notes": 1, "required_fields": ["stage", "size"],
        "required_context": { "type": "object", "required": ["stage", "team"], "properties": {
            "stage": { "type": "string" }, "team": { "type": "string" } } },
        "evaluation_rules": [
            { "name": "a", "condition": "true", "deny_code": "OAP X", "mesage": "no", "owner": "desk" },
            { "name": "b", "conditon": "true", "deny_code": "oap.no" },
            { "name": "c", "type": "custom_validator", "validator": "validateFileExtensio", "deny_code": "oap.no" },
            { "name": "d", "type": "expresion", "condition": "true", "deny_code": "oap.no" },
            { "name": "e", "condition": "context.stage = 'x'", "deny_code": "oap.no" },
            { "name": "f", "condition": "true & true", "deny_code": "oap.no" }
        ]
    })
    .to_string();
    let findings = Pack::check(text.as_bytes());
    let told = |path: &str| -> Vec<&str> {
        let at = findings.iter().filter(|finding| finding.path == path);
        at.map(|finding| finding.message.as_str()).collect()
    };
    for (path, part) in [
        ("status", "did you mean `active`?"),
        (
            "evalution_rules",
            "did you mean `evaluation_rules`, which is here as well?",
        ),
        ("evaluation_rules[0].mesage", "did you mean `message`?"),
        ("evaluation_rules[0].deny_code", "`OAP X` is no code"),
        ("evaluation_rules[1]", "is `conditon` meant to be it?"),
        (
            "evaluation_rules[2].validator",
            "did you mean `validateFileExtension`?",
        ),
        ("evaluation_rules[3].type", "did you mean `expression`?"),
        ("evaluation_rules[4].condition", "expected `==`, found `=`"),
        ("evaluation_rules[5].condition", "expected `&&`, found `&`"),
        (
            "required_fields[1]",
            "`size` is not in `required_context.required`",
        ),
        (
            "required_context.required[1]",
            "`team` is required here but not named in `required_fields`",
        ),
    ] {
        let told = told(path);
        assert!(
            told.len() == 1 && told[0].contains(part),
            "{path}: {told:?} of {findings:#?}"
        );
    }
    for path in [
        "vendor_notes",
        "evaluation_rules[0].owner",
        "evaluation_rules[1].conditon",
    ] {
        assert!(told(path).is_empty(), "{path}: {:?}", told(path));
    }
    assert!(
        Pack::parse(text.as_bytes()).is_err(),
        "a missing condition keeps it from loading"
    );
}

#[test]
fn a_status_that_changes_nothing_is_told() {
    for (status, told) in [("active", false), ("deprecated", true), ("suspended", true)] {
        let text =
            pack(&rule("a", "true")).replacen('{', &format!("{{ \"status\": \"{status}\","), 1);
        let warned = warnings(&text)
            .iter()
            .any(|text| text.contains("which changes nothing"));
        assert_eq!(warned, told, "{status}");
    }
}

#[test]
fn a_literal_of_another_type_than_the_field_has_is_told() {
    for (condition, message) in [
        ("context.stage == 1", Some("write `'1'`")),
        ("1 != stage", Some("`1` is not of")),
        ("context.stage in ['a', 2]", Some("`2` is not of")),
        ("size < '5'", Some("write `5`")),
        ("context.size == true", Some("`true` is not of")),
        ("context.stage == 'a' and context.size >= 5", None),
        ("context.stage == null or context.size > 1.5", None),
        ("context.stage in limits.stages", None),
        ("any(stage == 1 for stage in limits.stages)", None),
    ] {
        let text = pack(&rule("a", condition));
        let told = warnings(&text);
        let told: Vec<_> = told
            .iter()
            .filter(|text| text.contains("in `required_context`, which"))
            .collect();
        match message {
            Some(part) => assert!(
                told.len() == 1 && told[0].contains(part),
                "{condition}: {told:?}"
            ),
            None => assert!(told.is_empty(), "{condition}: {told:?}"),
        }
    }
}
