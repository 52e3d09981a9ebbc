//! Limits that are spelled in several ways: a call has to be within each.

use crate::setting::{codes, decide, document, pack, read, with};
use aport_gate_oap::{Finding, Pack, Passport};
use serde_json::{Value, json};

/// At most so much, and of a kind that is listed.
fn paying() -> Pack {
    pack(json!({ "evaluation_rules": [
        { "name": "most", "condition": "amount <= limits.max", "deny_code": "oap.limit_exceeded" },
        { "name": "daily", "condition": "amount <= limits.caps.daily", "deny_code": "oap.limit_exceeded" },
        { "name": "kind", "deny_code": "oap.kind",
          "condition": "has(limits.kinds) and kind in limits.kinds or not has(limits.kinds)" }
    ] }))
}

fn allowed(limits: Value, amount: i64) -> bool {
    let passport = read(&with("/limits", limits));
    decide(&paying(), &passport, &json!({ "amount": amount }), None).allow
}

#[test]
fn each_spelling_of_a_limit_has_to_allow_the_call() {
    let wide = json!({ "max": 100, "caps": { "daily": 100 } });
    for narrow in [
        json!({ "acme": { "pay": { "max": 5 } } }),
        json!({ "acme": { "pay": { "max": 5, "caps": { "daily": 100 } } } }),
        json!({ "acme": { "pay": { "caps": { "daily": 5 } } } }),
        json!({ "acme.pay.max": 5 }),
        json!({ "acme": { "pay.max": 5 } }),
        json!({ "acme.pay.caps.daily": 5 }),
        json!({ "acme.pay.caps": { "daily": 5 } }),
    ] {
        let mut limits = narrow.clone();
        limits["acme.pay"] = wide.clone();
        assert!(allowed(limits.clone(), 5), "{limits}");
        assert!(!allowed(limits.clone(), 6), "{limits}");
    }
    for narrow in [json!({ "max": 5 }), json!({ "caps": { "daily": 5 } })] {
        let mut narrow = narrow;
        for (name, value) in wide.as_object().unwrap() {
            if narrow.get(name).is_none() {
                narrow[name] = value.clone();
            }
        }
        let limits = json!({ "acme": { "pay": wide }, "acme.pay": narrow });
        assert!(allowed(limits.clone(), 5) && !allowed(limits, 6));
    }
    let mut inside = wide.clone();
    inside["caps.daily"] = 5.into();
    assert!(allowed(json!({ "acme.pay": inside }), 5));
    assert!(!allowed(json!({ "acme.pay": inside }), 6));
}

#[test]
fn one_spelling_alone_is_the_limit_whichever_it_is() {
    for limits in [
        json!({ "acme.pay": { "max": 5, "caps": { "daily": 9 } } }),
        json!({ "acme": { "pay": { "max": 5, "caps": { "daily": 9 } } } }),
        json!({ "acme.pay.max": 5, "acme.pay.caps.daily": 9 }),
        json!({ "acme": { "pay.max": 5, "pay": { "caps": { "daily": 9 } } } }),
        json!({ "acme.pay": { "max": 5 }, "acme": { "pay": { "caps": { "daily": 9 } } } }),
        json!({ "max": 5, "caps": { "daily": 9 } }),
    ] {
        assert!(!allowed(limits.clone(), 6), "{limits}");
        // A single limit beside others that lack it would add to what they allow.
        let adds = limits.pointer("/acme/pay.max").is_some();
        assert_eq!(allowed(limits.clone(), 5), !adds, "{limits}");
    }
    let three = |limits: Value| {
        let passport = read(&json!({
            "passport_id": "ap_one", "spec_version": "oap/1.0", "owner_id": "org_1", "status": "active",
            "assurance_level": "L2", "capabilities": [{ "id": "acme.pay.now" }], "limits": limits
        }));
        let pack = Pack::parse(br#"{"id": "acme.pay.now.v1", "requires_capabilities": ["acme.pay.now"], "evaluation_rules": [
            {"name": "most", "condition": "amount <= limits.max", "deny_code": "oap.limit_exceeded"}]}"#).unwrap();
        [5, 6].map(|amount| decide(&pack, &passport, &json!({ "amount": amount }), None).allow)
    };
    let once = [true, false];
    assert_eq!(three(json!({ "acme.pay": { "now": { "max": 5 } } })), once);
    assert_eq!(three(json!({ "acme": { "pay.now": { "max": 5 } } })), once);
}

#[test]
fn parameters_of_a_capability_are_limits_by_their_names_and_only_narrow() {
    let limits = json!({ "acme.pay": { "max": 100, "caps": { "daily": 100 } } });
    let mut passport = with("/limits", limits);
    passport["capabilities"] =
        json!([{ "id": "acme.pay", "params": { "max": 5, "kinds": ["gift"] } }]);
    let decide = |passport: &Value, context: Value| {
        let answer = decide(&paying(), &read(passport), &context, None);
        codes(&answer)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        decide(&passport, json!({ "amount": 5, "kind": "gift" })),
        ["oap.allowed"]
    );
    assert_eq!(
        decide(&passport, json!({ "amount": 6, "kind": "gift" })),
        ["oap.limit_exceeded"]
    );
    assert_eq!(
        decide(&passport, json!({ "amount": 5, "kind": "loan" })),
        ["oap.kind"]
    );
    passport["limits"] = json!({});
    let alone = decide(&passport, json!({ "amount": 5, "kind": "gift" }));
    assert!(
        alone.contains(&"oap.limit_exceeded".to_owned()),
        "{alone:?}"
    );
}

#[test]
fn a_denial_names_the_spelling_that_asks_for_it() {
    let limits = json!({
        "acme.pay": { "max": 100, "caps": { "daily": 100 } }, "acme": { "pay": { "max": 5 } }
    });
    let passport = read(&with("/limits", limits));
    let context = json!({ "amount": 50 });
    let answer = decide(&paying(), &passport, &context, None);
    let [reason] = answer.reasons.as_slice() else {
        panic!("{:?}", answer.reasons)
    };
    assert!(
        reason.message.contains("`limits.acme.pay`"),
        "{}",
        reason.message
    );
    assert_eq!(reason.details.as_ref().unwrap().limit, Some(json!(5)));
}

#[test]
fn limits_of_another_capability_below_stay_its_own() {
    let limits = json!({
        "acme.pay": { "max": 100, "caps": { "daily": 100 } },
        "acme": { "pay": { "max": 100, "refund": { "max": 1 } } }, "acme.pay.refund": { "max": 2 }
    });
    assert!(allowed(limits, 50));
}

#[test]
fn more_spellings_than_are_tried_deny() {
    let mut limits = json!({ "acme.pay": { "max": 100, "caps": { "daily": 100 } } });
    for at in 0..40 {
        limits[format!("acme.pay.max{at}")] = at.into();
    }
    assert!(!allowed(limits, 5));
}

fn warned(passport: &Value) -> Vec<Finding> {
    let findings = Passport::check(passport.to_string().as_bytes());
    assert!(Passport::parse(passport.to_string().as_bytes()).is_ok());
    findings
}

#[test]
fn a_check_names_both_places_and_both_values() {
    let wide = json!({ "max": 4000, "caps": { "daily": 100 } });
    for (limits, here, there) in [
        (
            json!({ "acme": { "pay": { "max": 50 } } }),
            "limits.acme.pay.max",
            "`limits[\"acme.pay\"].max`",
        ),
        (
            json!({ "acme.pay.max": 50 }),
            "limits[\"acme.pay.max\"]",
            "`limits[\"acme.pay\"].max`",
        ),
        (
            json!({ "acme": { "pay": { "caps": { "daily": 50 } } } }),
            "limits.acme.pay.caps.daily",
            "`limits[\"acme.pay\"].caps.daily`",
        ),
        (
            json!({ "acme.pay.caps.daily": 50 }),
            "limits[\"acme.pay.caps.daily\"]",
            "`limits[\"acme.pay\"].caps.daily`",
        ),
    ] {
        let mut limits = limits;
        limits["acme.pay"] = wide.clone();
        let found = warned(&with("/limits", limits));
        let [one] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(one.path, here);
        assert!(
            one.message.contains(there) && one.message.contains("50"),
            "{}",
            one.message
        );
    }
    let mut passport = with("/limits", json!({ "acme.pay": wide }));
    passport["capabilities"] =
        json!([{ "id": "acme.pay", "params": { "max": 50, "daily": 10, "max_amount": 9 } }]);
    let found = warned(&passport);
    let [daily, max] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(max.path, "capabilities[0].params.max");
    assert!(
        max.message.contains("`limits[\"acme.pay\"].max`"),
        "{}",
        max.message
    );
    assert!(
        daily.message.contains("no effect") && daily.message.contains(".caps.daily`"),
        "{}",
        daily.message
    );
}

#[test]
fn spellings_that_agree_are_no_finding() {
    let same = json!({ "max": 9, "caps": { "daily": 9 } });
    for limits in [
        json!({ "acme.pay": same, "acme": { "pay": same } }),
        json!({ "acme.pay": same, "acme.pay.max": 9 }),
        json!({ "acme.pay": { "max": 9 }, "acme": { "pay": { "caps": { "daily": 9 } } } }),
    ] {
        assert_eq!(warned(&with("/limits", limits)), Vec::new());
    }
    assert_eq!(warned(&document()), Vec::new());
}
