//! What a stage and a rule, or two rules, have against a call for one and the same thing is told once.

use crate::setting::{Setting, codes, passport};
use aport_gate_oap::Evaluation;
use serde_json::{Value, json};

fn setting(rules: Value, fields: Value) -> Setting {
    let pack = json!({
        "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"], "min_assurance": "L1",
        "evaluation_rules": rules
    });
    let mut setting = Setting::new(pack, json!({}));
    setting.passport = passport(fields);
    setting
}

fn told(answer: &Evaluation) -> Vec<(&str, &str, Option<&str>)> {
    answer
        .reasons
        .iter()
        .map(|reason| {
            let details = reason.details.as_ref();
            let rule = details.map(|details| details.rule.as_str());
            (reason.code.as_str(), reason.message.as_str(), rule)
        })
        .collect()
}

#[test]
fn what_a_stage_has_told_a_rule_only_adds_its_details_to() {
    let rules = json!([
        { "name": "active", "condition": "passport.status == 'active'", "deny_code": "oap.passport_suspended" },
        { "name": "active_still", "condition": "passport.status == 'active'", "deny_code": "oap.passport_suspended" },
        { "name": "capability", "condition": "'acme.thing' in passport.capabilities", "deny_code": "oap.unknown_capability" },
        { "name": "level", "condition": "passport.assurance_level >= 'L3'", "deny_code": "oap.assurance_insufficient" },
        { "name": "place", "condition": "region in passport.regions", "deny_code": "oap.region_blocked" }
    ]);
    let setting = setting(
        rules,
        json!({ "status": "suspended", "capabilities": [], "assurance_level": "L0", "regions": ["US"] }),
    );
    let answer = setting.decide(&json!({ "region": "CN" }));
    assert_eq!(
        told(&answer),
        [
            (
                "oap.passport_suspended",
                "the passport is suspended",
                Some("active")
            ),
            (
                "oap.unknown_capability",
                "the passport lacks `acme.thing`",
                Some("capability")
            ),
            (
                "oap.assurance_insufficient",
                "`passport.assurance_level` L0 is under the minimum L3",
                Some("level")
            ),
            (
                "oap.region_blocked",
                "region CN is not one of US",
                Some("place")
            ),
        ]
    );
    let details = answer.reasons[3].details.as_ref().unwrap();
    assert_eq!(details.actual, Some(json!("CN")));
    assert_eq!(details.limit, Some(json!(["US"])));
}

#[test]
fn a_rule_of_the_same_code_about_something_else_is_told_as_well() {
    let rules = json!([
        { "name": "action", "condition": "context.action in passport.capabilities", "deny_code": "oap.unknown_capability" },
        { "name": "harbour", "condition": "context.harbour == 'Kiel'", "deny_code": "oap.region_blocked",
          "message": "ships leave from Kiel" }
    ]);
    let setting = setting(rules, json!({ "capabilities": [], "regions": ["US"] }));
    let answer =
        setting.decide(&json!({ "region": "CN", "action": "acme.sail", "harbour": "Oslo" }));
    let expected = ["oap.unknown_capability", "oap.region_blocked"];
    assert_eq!(codes(&answer), [expected, expected].concat());
}

#[test]
fn the_words_of_a_pack_s_author_go_before_those_of_a_stage() {
    let rules = json!([{ "name": "place", "condition": "region in passport.regions",
        "deny_code": "oap.region_blocked", "message": "ask the desk of {actual}" }]);
    let setting = setting(
        rules,
        json!({ "capabilities": ["acme.thing"], "regions": ["US"] }),
    );
    let answer = setting.decide(&json!({ "region": "CN" }));
    assert_eq!(
        told(&answer),
        [("oap.region_blocked", "ask the desk of CN", Some("place"))]
    );
}

#[test]
fn a_list_that_leaves_something_out_is_told_by_the_rule_that_asks_for_it() {
    let allowlist = json!({ "name": "allowlist", "deny_code": "oap.domain_not_allowed",
        "condition": "limits.allowed_domains.some(d => context.url.includes(d))" });
    let blocked = json!({ "name": "blocked", "deny_code": "oap.domain_blocked",
        "type": "custom_validator", "validator": "validateWebFetchBlockedDomains" });
    for rules in [json!([allowlist, blocked]), json!([blocked, allowlist])] {
        let fields = json!({ "capabilities": ["acme.thing"], "limits": { "acme.thing": { "allowed_domains": ["a.com"] } } });
        let setting = setting(rules, fields);
        let denied = setting.decide(&json!({ "url": "https://b.com/" }));
        let [(code, _, rule)] = told(&denied)[..] else {
            panic!("{:?}", denied.reasons)
        };
        assert_eq!((code, rule), ("oap.domain_not_allowed", Some("allowlist")));
        // Only the validator knows that this is another host.
        let denied = setting.decide(&json!({ "url": "https://evil.com/?a.com" }));
        assert_eq!(told(&denied)[0].2, Some("blocked"), "{:?}", denied.reasons);
    }
}

#[test]
fn every_passport_that_is_not_active_is_also_told_by_the_code_that_oap_has_for_it() {
    for (status, code) in [
        ("revoked", "oap.passport_revoked"),
        ("draft", "oap.passport_draft"),
    ] {
        let fields = json!({ "status": status, "capabilities": ["acme.thing"] });
        let denied = setting(json!([]), fields.clone()).decide(&json!({}));
        assert_eq!(codes(&denied), [code, "oap.passport_suspended"]);
        let rules = json!([{ "name": "active", "condition": "passport.status == 'active'",
            "deny_code": "oap.passport_suspended" }]);
        let denied = setting(rules, fields).decide(&json!({}));
        assert_eq!(codes(&denied), [code, "oap.passport_suspended"]);
    }
    let fields = json!({ "status": "suspended", "capabilities": ["acme.thing"] });
    assert_eq!(
        codes(&setting(json!([]), fields).decide(&json!({}))),
        ["oap.passport_suspended"]
    );
}
