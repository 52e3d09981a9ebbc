use serde_json::json;

use crate::support::{PACK, Place, question};

#[test]
fn a_suspension_counts_on_the_next_call_and_a_revocation_is_final() {
    let place = Place::new();
    let admin = format!("Bearer {}", place.key("root", true));
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let path = format!("/api/passports/{agent}/status");
    let change = |status: &str| {
        let body = json!({ "status": status }).to_string();
        server.send("PATCH", &path, &[("Authorization", &admin)], Some(&body))
    };
    let allowed =
        |key: &str| server.verify(&[], &question(&agent, 1, key)).is(200)["allow"].clone();
    assert_eq!(allowed("refund-0001"), true);
    let view = format!("/api/passports/{agent}/verify_view");
    let before = server.get(&view);
    let tag = before.headers["etag"].clone();
    assert_eq!(before.is(200)["status"], "active");
    let same = server.send("GET", &view, &[("If-None-Match", &tag)], None);
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    assert_eq!(change("suspended").is(200)["changed"], true);
    let denied = server
        .verify(&[], &question(&agent, 1, "refund-0002"))
        .is(200);
    assert_eq!(denied["reasons"][0]["code"], "oap.passport_suspended");
    let after = server.send("GET", &view, &[("If-None-Match", &tag)], None);
    assert_eq!(after.headers["cache-control"], "public, max-age=10");
    let after = after.is(200);
    assert_eq!(after["status"], "suspended");
    assert_ne!(format!("{}", after["passport_digest"]), tag);
    assert_eq!(change("suspended").is(200)["changed"], false);
    change("active").is(200);
    assert_eq!(allowed("refund-0003"), true);
    change("revoked").is(200);
    change("active").fails(409, "conflict");
    assert_eq!(allowed("refund-0004"), false);
    change("draft").fails(400, "validation_failed");
    let unknown = "/api/passports/ap_unknown/status";
    let body = json!({"status": "active"});
    server
        .post(unknown, &[("Authorization", &admin)], &body)
        .fails(404, "passport_not_found");
    server
        .get("/api/passports/ap_unknown/verify_view")
        .fails(404, "passport_not_found");
    server
        .get("/api/passports/..%2Fkeys/verify_view")
        .fails(400, "validation_failed");
}

#[test]
fn anybody_may_stop_an_agent_of_a_development_registry_and_nobody_else_may_start_it() {
    let place = Place::new();
    let desk = format!("Bearer {}", place.key("desk", false));
    let server = place.serve(&["--dev"]);
    let path = format!("/api/passports/{}/status", server.agent());
    let change = |headers: &[(&str, &str)], status: &str| {
        server.post(&path, headers, &json!({ "status": status }))
    };
    change(&[("Authorization", &desk)], "suspended").fails(403, "forbidden");
    change(&[("Authorization", "Bearer apgk_x")], "suspended").fails(401, "unauthorized");
    assert_eq!(change(&[], "suspended").is(200)["changed"], true);
    change(&[], "active").fails(401, "unauthorized");
    change(&[], "revoked").fails(401, "unauthorized");
}

#[test]
fn orders_are_checked_and_no_passport_is_replaced() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let issue = |order| server.post("/api/passports", &[], &order);
    let order = json!({
        "owner_id": "org_1", "agent_id": "ap_Mine", "assurance_level": "L2",
        "capabilities": [{"id": "finance.payment.refund", "params": {"a": 1}}],
        "limits": {"finance.payment.refund": {"currency_limits": {"USD": {"max_per_tx": 7, "daily_cap": 9}}, "reason_codes": ["customer_request"]}},
        "regions": ["US"], "metadata": {"contact": "someone@example.com"},
    });
    let issued = issue(order.clone()).is(201);
    assert_eq!(issued["passport_id"], "ap_Mine");
    let over = server
        .verify(&[], &question("ap_Mine", 8, "refund-0001"))
        .is(200);
    assert_eq!(
        over["reasons"][0]["details"]["limit"], 7,
        "given limits are kept"
    );
    issue(order).fails(409, "conflict");
    let twin = json!({"owner_id": "o", "agent_id": "ap_mine", "capabilities": []});
    issue(twin).fails(409, "conflict");
    for order in [
        json!({"capabilities": []}),
        json!({"owner_id": " ", "capabilities": []}),
        json!({"owner_id": "o"}),
        json!({"owner_id": "o", "capabilities": "all"}),
        json!({"owner_id": "o", "capabilities": [1]}),
        json!({"owner_id": "o", "capabilities": [], "assurance_level": "L9"}),
        json!({"owner_id": "o", "capabilities": [], "status": "revoked"}),
        json!({"owner_id": "o", "capabilities": [], "limits": []}),
        json!({"owner_id": "o", "capabilities": [], "agent_id": "../../x"}),
        json!({"owner_id": "o", "capabilities": [], "agent_id": "ap_1", "passport_id": "ap_2"}),
        json!({"owner_id": "o", "capabilities": [], "spec_version": "oap/9"}),
    ] {
        issue(order).fails(400, "invalid_passport");
    }
    let view = server.get("/api/passports/ap_Mine/verify_view").text;
    assert!(!view.contains("someone@example.com"), "{view}");
}

#[test]
fn what_the_body_brings_does_not_count_unless_the_operator_says_so() {
    let place = Place::new();
    let server = place.serve(&["--dev"]);
    let agent = server.agent();
    let mut rich = server
        .get(&format!("/api/passports/{agent}/verify_view"))
        .is(200);
    for field in ["passport_digest", "agent_id"] {
        rich.as_object_mut().unwrap().remove(field);
    }
    rich["limits"]["finance.payment.refund"]["currency_limits"]["USD"]["max_per_tx"] =
        99_999.into();
    let with = |agent: &str, field: &str, value: &serde_json::Value| {
        let mut body = question(agent, 9_000, "refund-0001");
        body[field] = value.clone();
        body
    };
    let pack = |id: &str| {
        json!({
            "id": id, "name": "Greet", "version": "1.0.0", "status": "active",
            "requires_capabilities": ["acme.greet"], "min_assurance": "L0",
            "required_context": {"type": "object"}, "evaluation_rules": [],
        })
    };
    let (own, pack) = (pack("acme.greet.v1"), pack(PACK));
    server
        .verify(&[], &with(&agent, "passport", &rich))
        .fails(403, "forbidden");
    server
        .verify(&[], &with(&agent, "policy", &pack))
        .fails(403, "forbidden");
    let in_body = "/api/verify/policy/IN_BODY";
    server
        .post(in_body, &[], &with(&agent, "policy", &pack))
        .fails(403, "forbidden");
    server
        .post(
            in_body,
            &[],
            &json!({"agent_id": agent, "context": {"policy_id": PACK}}),
        )
        .fails(400, "validation_failed");
    drop(server);
    let server = place.serve(&["--dev", "--allow-body-passports", "--allow-body-policies"]);
    // Never over what is registered.
    server
        .verify(&[], &with(&agent, "passport", &rich))
        .fails(409, "conflict");
    server
        .verify(&[], &with(&agent, "policy", &pack))
        .fails(409, "conflict");
    rich["passport_id"] = "ap_visitor".into();
    let allowed = server
        .verify(&[], &with("ap_visitor", "passport", &rich))
        .is(200);
    assert_eq!(allowed["allow"], true, "{allowed}");
    server
        .verify(
            &[],
            &with(
                "ap_visitor",
                "passport",
                &json!({"passport_id": "ap_visitor"}),
            ),
        )
        .fails(400, "invalid_passport");
    let body = json!({"context": {"agent_id": agent, "policy_id": "acme.greet.v1"}, "policy": own});
    let denied = server.post(in_body, &[], &body).is(200);
    assert_eq!(denied["policy_id"], "acme.greet.v1");
    assert_eq!(
        denied["allow"], false,
        "the registered passport has no such capability"
    );
}
