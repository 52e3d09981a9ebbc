//! States, times and parents.

use crate::setting::{codes, decide, document, pack, read, with};
use aport_gate_oap::{Passport, PassportStatus};
use serde_json::json;

#[test]
fn states_follow_one_another_as_oap_has_them() {
    use PassportStatus::{Active, Draft, Revoked, Suspended};
    let all = [Draft, Active, Suspended, Revoked];
    let allowed: Vec<_> = all
        .iter()
        .flat_map(|from| all.iter().map(move |to| (*from, *to)))
        .filter(|(from, to)| from.can_become(*to))
        .collect();
    assert_eq!(
        allowed,
        [
            (Draft, Active),
            (Draft, Revoked),
            (Active, Suspended),
            (Active, Revoked),
            (Suspended, Active),
            (Suspended, Revoked),
        ]
    );
}

#[test]
fn a_passport_is_valid_between_its_times() {
    let context = json!({});
    for (field, time, code) in [
        (
            "expires_at",
            "2026-06-01T00:00:00Z",
            Some("oap.passport_expired"),
        ),
        ("expires_at", "2026-06-01T00:00:01Z", None),
        (
            "not_before",
            "2026-06-01T00:00:01Z",
            Some("oap.passport_not_yet_valid"),
        ),
        ("not_before", "2026-06-01T00:00:00Z", None),
    ] {
        let mut document = document();
        document[field] = json!(time);
        let answer = decide(&pack(json!({})), &read(&document), &context, None);
        assert_eq!(
            codes(&answer),
            [code.unwrap_or("oap.allowed")],
            "{field} {time}"
        );
    }
}

#[test]
fn what_stops_a_template_stops_its_instances() {
    let child = read(&document());
    let parent = |fields: &[(&str, &str)]| {
        let mut document = with("/passport_id", json!("ap_parent"));
        document["parent_agent_id"] = json!("ap_grandparent");
        for (field, value) in fields {
            document[*field] = json!(value);
        }
        read(&document)
    };
    let answer = |child: &Passport| decide(&pack(json!({})), child, &json!({}), None);
    for (fields, code) in [
        ([("status", "suspended")], "oap.passport_suspended"),
        ([("status", "revoked")], "oap.passport_revoked"),
        ([("status", "draft")], "oap.passport_draft"),
        (
            [("expires_at", "2026-05-01T00:00:00Z")],
            "oap.passport_expired",
        ),
        (
            [("not_before", "2026-07-01T00:00:00Z")],
            "oap.passport_not_yet_valid",
        ),
    ] {
        let under = child.clone().with_parent(&parent(&fields));
        let answer = answer(&under);
        assert_eq!(codes(&answer), [code]);
        assert!(
            answer.reasons[0].message.contains("parent `ap_parent`"),
            "{:?}",
            answer.reasons
        );
        assert_eq!(under.digest(), child.digest());
    }
    assert!(answer(&child.clone().with_parent(&parent(&[]))).allow);
    let mut top = with("/passport_id", json!("ap_grandparent"));
    top["status"] = json!("revoked");
    top.as_object_mut().unwrap().remove("parent_agent_id");
    let under = child
        .clone()
        .with_parent(&parent(&[]).with_parent(&read(&top)));
    assert_eq!(codes(&answer(&under)), ["oap.passport_revoked"]);
    let stranger = read(&with("/passport_id", json!("ap_stranger")));
    assert!(
        answer(&child.with_parent(&stranger)).allow,
        "only the parent that it names counts"
    );
}
