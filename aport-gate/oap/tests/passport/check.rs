//! What `Passport::check` finds, and where.

use crate::setting::{document, with};
use aport_gate_oap::{Finding, Passport, Severity};
use serde_json::{Value, json};

fn check(document: &Value) -> Vec<Finding> {
    Passport::check(document.to_string().as_bytes())
}

#[test]
fn a_complete_passport_has_no_findings() {
    assert_eq!(check(&document()), Vec::new());
}

#[test]
fn each_mistake_is_found_at_its_place_and_an_error_is_what_keeps_it_from_loading() {
    for (path, value, field, severity) in [
        (
            "/passport_id",
            json!("nobody"),
            "passport_id",
            Severity::Error,
        ),
        (
            "/spec_version",
            json!("oap/2.0"),
            "spec_version",
            Severity::Error,
        ),
        ("/status", json!("on"), "status", Severity::Error),
        (
            "/assurance_level",
            json!("L9"),
            "assurance_level",
            Severity::Error,
        ),
        ("/owner_id", json!(7), "owner_id", Severity::Error),
        (
            "/capabilities",
            json!("acme.pay"),
            "capabilities",
            Severity::Error,
        ),
        (
            "/capabilities/0",
            json!({ "name": "acme.pay" }),
            "capabilities[0].id",
            Severity::Error,
        ),
        (
            "/capabilities/0",
            json!(7),
            "capabilities[0]",
            Severity::Error,
        ),
        ("/limits", json!([]), "limits", Severity::Error),
        ("/regions", json!("US"), "regions", Severity::Error),
        ("/regions/0", json!(1), "regions[0]", Severity::Error),
        (
            "/parent_agent_id",
            json!("x y"),
            "parent_agent_id",
            Severity::Error,
        ),
        ("/kind", json!("other"), "kind", Severity::Warning),
        (
            "/owner_type",
            json!("robot"),
            "owner_type",
            Severity::Warning,
        ),
        (
            "/capabilities/0",
            json!("acme.pay"),
            "capabilities[0]",
            Severity::Warning,
        ),
        (
            "/capabilities/0/id",
            json!("Acme Pay"),
            "capabilities[0].id",
            Severity::Warning,
        ),
        ("/regions/0", json!("usa"), "regions[0]", Severity::Warning),
        (
            "/limits/acme.pay",
            json!({ "currency_limits": { "usd": { "max_per_tx": 1.5 } } }),
            "limits[\"acme.pay\"].currency_limits.usd",
            Severity::Warning,
        ),
        (
            "/created_at",
            json!("yesterday"),
            "created_at",
            Severity::Warning,
        ),
        (
            "/updated_at",
            json!("2025-01-01T00:00:00Z"),
            "updated_at",
            Severity::Warning,
        ),
        ("/version", json!("1.0"), "version", Severity::Warning),
    ] {
        let document = with(path, value);
        let findings = check(&document);
        assert!(
            findings
                .iter()
                .any(|f| f.path == field && f.severity == severity),
            "{path}: {findings:#?}"
        );
        let loads = Passport::parse(document.to_string().as_bytes()).is_ok();
        let errors = findings.iter().any(|f| f.severity == Severity::Error);
        assert_eq!(loads, !errors, "{path}: {findings:#?}");
    }
}

#[test]
fn times_that_cannot_be_read_are_errors_where_they_decide() {
    for field in ["expires_at", "not_before"] {
        let mut document = document();
        document[field] = json!("soon");
        assert!(
            check(&document)
                .iter()
                .any(|f| f.path == field && f.severity == Severity::Error)
        );
        assert!(Passport::parse(document.to_string().as_bytes()).is_err());
    }
}

#[test]
fn what_is_missing_or_misspelt_is_named() {
    let mut document = document();
    let map = document.as_object_mut().unwrap();
    map.remove("version");
    let level = map.remove("assurance_level").unwrap();
    map.insert("assurance_lvel".to_owned(), level);
    map.insert("favourite".to_owned(), json!(1));
    let findings = check(&document);
    let messages: Vec<_> = findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert!(
        messages.contains(&"`assurance_level` is missing; is `assurance_lvel` meant to be it?"),
        "{messages:?}"
    );
    assert!(
        messages.contains(&"`version` is missing (OAP asks for it)"),
        "{messages:?}"
    );
    assert!(
        messages.contains(&"`favourite` is not known to OAP; it has no effect"),
        "{messages:?}"
    );
}

/// What this crate finds wrong and what the published schema refuses are the same, for mistakes in the fields
/// that the schema describes.
#[test]
fn the_check_agrees_with_the_published_schema() {
    let Some(folder) = std::env::var_os("APORT_OAP_REFERENCE").map(std::path::PathBuf::from) else {
        eprintln!("APORT_OAP_REFERENCE is not set: the published schemas are not compared");
        return;
    };
    let parse = |path: &str| -> Value {
        serde_json::from_slice(&std::fs::read(folder.join(path)).unwrap()).unwrap()
    };
    let schema = jsonschema::options()
        .should_validate_formats(true)
        .build(&parse("schemas/passport-schema.json"))
        .unwrap();
    let mut good = parse("examples/passport.instance.v1.json");
    assert!(schema.is_valid(&good));
    assert_eq!(check(&good), Vec::new());
    assert_eq!(
        check(&parse("examples/passport.template.v1.json")),
        Vec::new()
    );
    for field in good
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect::<Vec<_>>()
    {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(&field);
        assert_eq!(
            check(&without).is_empty(),
            schema.is_valid(&without) && field != "parent_agent_id",
            "without {field}"
        );
    }
    for (path, value) in [
        ("/kind", json!("x")),
        ("/spec_version", json!("oap/0.9")),
        ("/status", json!("x")),
        ("/assurance_level", json!("L7")),
        ("/owner_type", json!("x")),
        ("/capabilities/0/id", json!("A b")),
        ("/capabilities/0/params", json!(1)),
        ("/capabilities", json!({})),
        ("/limits", json!([])),
        ("/regions/0", json!("usa")),
        ("/version", json!("1")),
        ("/created_at", json!("x")),
        ("/passport_id", json!(7)),
        (
            "/limits/finance.payment.refund/currency_limits/USD/max_per_tx",
            json!(-1),
        ),
    ] {
        let before = good.pointer(path).cloned().unwrap();
        *good.pointer_mut(path).unwrap() = value;
        assert!(!schema.is_valid(&good), "{path}");
        assert!(!check(&good).is_empty(), "{path}");
        *good.pointer_mut(path).unwrap() = before;
    }
}

#[test]
fn an_optional_field_by_another_name_is_named_and_has_no_effect() {
    for (key, value, near) in [
        ("expire_at", json!("2020-01-01T00:00:00Z"), "expires_at"),
        ("expires", json!("2020-01-01T00:00:00Z"), "expires_at"),
        ("Expires_At", json!("2020-01-01T00:00:00Z"), "expires_at"),
        ("expires-at", json!("2020-01-01T00:00:00Z"), "expires_at"),
        ("expires_on", json!("2020-01-01T00:00:00Z"), "expires_at"),
        ("not_befor", json!("2099-01-01T00:00:00Z"), "not_before"),
        ("template", json!("ap_parent"), "template_id"),
        ("parent_agent", json!("ap_parent"), "parent_agent_id"),
        ("parent_id", json!("ap_parent"), "parent_agent_id"),
        ("mcps", json!({ "tools": ["x"] }), "mcp"),
        ("statuss", json!("suspended"), "status"),
    ] {
        let mut document = document();
        document[key] = value;
        let found = check(&document);
        let [one] = found.as_slice() else {
            panic!("{key}: {found:?}")
        };
        assert_eq!(one.severity, Severity::Warning, "{key}");
        assert!(
            one.message.contains("it has no effect")
                && one.message.contains(&format!("did you mean `{near}`?")),
            "{}",
            one.message
        );
    }
}

mod under_packs {
    use crate::setting::{document, pack, with};
    use aport_gate_oap::{Pack, Passport, Severity};
    use serde_json::{Value, json};

    fn exports() -> Pack {
        pack(json!({ "evaluation_rules": [
            { "name": "rows", "condition": "context.rows <= limits.max_export_rows", "deny_code": "oap.rows" },
            { "name": "pii", "condition": "NOT (context.pii AND NOT limits.allow_pii)", "deny_code": "oap.pii" },
            { "name": "kind", "condition": "context.kind in limits.kinds", "deny_code": "oap.kind" },
            { "name": "caps", "condition": "context.rows <= limits.caps[context.kind].most", "deny_code": "oap.caps" }
        ], "required_context": { "type": "object", "properties": { "rows": { "type": "integer" } } } }))
    }

    fn findings(passport: &Value, pack: &Pack) -> Vec<(String, Severity, String)> {
        Passport::check_under(passport.to_string().as_bytes(), &[pack])
            .into_iter()
            .map(|finding| (finding.path, finding.severity, finding.message))
            .collect()
    }

    fn limits(limits: Value) -> Value {
        with("/limits", json!({ "acme.pay": limits }))
    }

    #[test]
    fn limits_that_rules_read_as_they_are_give_no_finding() {
        let good = json!({
            "max_export_rows": 5, "allow_pii": false, "kinds": ["a"], "caps": { "a": { "most": 1 } },
            "approval_required": true
        });
        assert_eq!(findings(&limits(good), &exports()), []);
    }

    #[test]
    fn a_limit_of_another_type_than_its_rules_need_is_an_error() {
        for (name, value, expected) in [
            (
                "allow_pii",
                json!("false"),
                "`true` or `false`, found a string",
            ),
            ("allow_pii", json!(0), "`true` or `false`, found a number"),
            ("kinds", json!("a,b"), "a list, found a string"),
            ("max_export_rows", json!("5"), "a number, found a string"),
            ("max_rows", json!([5]), "a number, found a list"),
        ] {
            let found = findings(&limits(json!({ name: value })), &exports());
            let path = format!("limits[\"acme.pay\"].{name}");
            assert!(
                found.iter().any(|(at, severity, message)| *at == path
                    && *severity == Severity::Error
                    && message.contains(expected)),
                "{name}: {found:?}"
            );
            let root = findings(&with("/limits", json!({ name: value })), &exports());
            assert!(
                root.iter()
                    .any(|(_, severity, _)| *severity == Severity::Error),
                "{root:?}"
            );
        }
    }

    #[test]
    fn a_limit_that_no_rule_reads_is_named() {
        let found = findings(
            &limits(json!({
                "allowed_collections": ["orders"], "max_export_row": 5, "caps": { "a": { "most": 1, "least": 0 } }
            })),
            &exports(),
        );
        let named: Vec<&str> = found.iter().map(|(path, _, _)| path.as_str()).collect();
        assert_eq!(
            named,
            [
                "limits[\"acme.pay\"].allowed_collections",
                "limits[\"acme.pay\"].caps.a.least",
                "limits[\"acme.pay\"].max_export_row",
            ]
        );
        assert!(
            found[0].2.contains("no rule of `acme.pay.v1` reads it"),
            "{found:?}"
        );
        assert!(
            found[2].2.contains("did you mean `max_export_rows`?"),
            "{found:?}"
        );
    }

    #[test]
    fn packs_of_capabilities_that_the_passport_lacks_say_nothing() {
        let passport = with("/capabilities", json!([{ "id": "acme.other" }]));
        let found = findings(&passport, &exports());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0]
                .2
                .starts_with("the passport does not grant `acme.pay`")
        );
        assert_ne!(findings(&document(), &exports()), []);
    }

    #[test]
    fn two_names_of_one_limit_are_named() {
        let found = findings(
            &limits(json!({ "max_export_rows": 100_000, "max_rows": 100 })),
            &exports(),
        );
        assert!(
            found
                .iter()
                .any(|(_, _, message)| message.contains("one limit by two names")),
            "{found:?}"
        );
    }
}

#[test]
fn limits_of_a_capability_that_the_passport_does_not_grant_are_named() {
    let mut document = crate::setting::document();
    document["limits"] = serde_json::json!({
        "acme.pay": {}, "acme.pya": { "max": 1 }, "web.fetch.max": 5, "acme.pay.max": 9, "currency_limits": {},
        "acme": { "pay": {} }, "acme.pay.more": {}, "acme.till.open": { "max": 1 }
    });
    let told = |packs: &[&aport_gate_oap::Pack]| -> Vec<String> {
        let findings = Passport::check_under(document.to_string().as_bytes(), packs);
        let told = findings.into_iter().map(|finding| finding.message);
        told.filter(|text| text.contains("does not grant"))
            .collect()
    };
    let all = told(&[]);
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(
        all.iter()
            .any(|text| text.contains("`acme.pya`") && text.ends_with("did you mean `acme.pay`?"))
    );
    assert!(all.iter().any(|text| text.contains("`web.fetch.max`")));
    let named = crate::setting::pack(serde_json::json!({ "id": "acme.till.open.v1" }));
    assert_eq!(
        told(&[&named]).len(),
        2,
        "a pack of this name asks for a capability of the passport"
    );
}

#[test]
fn a_crowd_of_capabilities_and_limits_is_checked_in_bounded_time_and_says_what_is_not_looked_at() {
    let mut document: Value = serde_json::from_str(
        r#"{
        "passport_id": "ap_one", "spec_version": "oap/1.0", "owner_id": "org_1", "status": "active",
        "assurance_level": "L2"
    }"#,
    )
    .unwrap();
    let names: Vec<String> = (0..20_000).map(|at| format!("acme.thing{at}")).collect();
    document["capabilities"] = names.iter().map(|name| json!({ "id": name })).collect();
    document["limits"] = names
        .iter()
        .map(|name| (name.clone(), json!({ "most": 1 })))
        .collect();
    let findings = Passport::check(document.to_string().as_bytes());
    let told =
        |finding: &aport_gate_oap::Finding| finding.message.contains("last 19800 capabilities");
    assert!(findings.iter().any(told), "{findings:?}");
}
