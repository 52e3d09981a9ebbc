//! Refunds through Stripe's API.

use aport_gate_tests::{AGENT, Home, ServerProcess};
use serde_json::json;

use crate::stripe_api::{KEY, Stripe, order};
use crate::trail::{records, settled};

#[test]
fn a_refund_reaches_stripe_with_its_key_reason_and_agent() {
    let (home, stripe) = (Home::new(), Stripe::with([]));
    let server = stripe.server(&home);
    let paid = server.call_tool("process_refund", order("pi_1", 4000, "refund-0001"), None);
    assert!(paid.is_ok(), "{paid:?}");
    assert!(paid.text().contains("Refund processed: re_1"), "{paid:?}");
    // What it must say of itself.
    assert!(paid.text().contains("Stripe ran in test mode"), "{paid:?}");
    assert!(!paid.text().contains("simulated"), "{paid:?}");
    assert_eq!(settled(&home, &paid), "committed");
    let refunds = stripe.refunds();
    let [refund] = refunds.as_slice() else {
        panic!("{refunds:?}")
    };
    for (name, value) in [
        ("payment_intent", "pi_1"),
        ("amount", "4000"),
        ("reason", "requested_by_customer"),
        ("metadata[agent_id]", AGENT),
        ("metadata[idempotency_key]", "refund-0001"),
        ("metadata[reason_code]", "customer_request"),
    ] {
        assert_eq!(refund.get(name).map(String::as_str), Some(value), "{name}");
    }
    // A charge is named as one.
    let again = server.call_tool("process_refund", order("ch_1", 1000, "refund-0002"), None);
    assert!(again.is_ok(), "{again:?}");
    assert_eq!(stripe.refunds()[1]["charge"], "ch_1");
    let keys: Vec<String> = stripe
        .api
        .seen("POST", "/v1/refunds")
        .iter()
        .map(|seen| seen.headers["idempotency-key"].clone())
        .collect();
    assert_ne!(keys[0], keys[1]);
    // The key of the API is nowhere, at the level `debug` neither.
    assert!(!server.log().contains("hunter2"), "{}", server.log());
    assert!(
        server.log().contains("payment desk: Stripe at"),
        "{}",
        server.log()
    );
    // Stripe's books hold what the day's cap says was spent.
    let over = server.call_tool("process_refund", order("pi_1", 5000, "refund-0003"), None);
    assert!(over.is_ok(), "{over:?}");
    let over = server.call_tool("process_refund", order("pi_1", 1, "refund-0004"), None);
    assert_eq!(over.codes(), ["oap.limit_exceeded"]);
    assert_eq!(stripe.refunds().len(), 3);
}

#[test]
fn the_currency_and_the_payer_are_what_stripe_knows() {
    let (home, stripe) = (Home::new(), Stripe::with([]));
    let server = stripe.server(&home);
    // Paid in euro, whatever the agent says: a policy's decision, on a fact.
    let mut claimed = order("ch_eur", 100, "refund-0001");
    let denied = server.call_tool("process_refund", claimed.clone(), None);
    assert_eq!(denied.codes(), ["oap.cross_currency_denied"], "{denied:?}");
    claimed["order_id"] = json!("pi_1");
    claimed["customer_id"] = json!("cus_other");
    let refused = server.call_tool("process_refund", claimed, None);
    assert!(refused.text().contains("another customer"), "{refused:?}");
    assert_eq!(settled(&home, &refused), "released");
    // The same key is free again, since nothing was paid under it.
    let paid = server.call_tool(
        "process_refund",
        order("pi_guest", 100, "refund-0001"),
        None,
    );
    assert!(paid.is_ok(), "{paid:?}");
    let passing = server.call_tool(
        "process_refund",
        order("pi_gateway", 100, "refund-0009"),
        None,
    );
    assert_eq!(passing.codes(), ["gate.facts_unavailable"], "{passing:?}");
    for (id, told) in [("pi_unknown", "Stripe knows no payment"), ("ORD-1", "pi_")] {
        let refused = server.call_tool("process_refund", order(id, 100, "refund-0009"), None);
        assert_eq!(refused.codes(), ["gate.facts_refused"], "{refused:?}");
        assert!(refused.text().contains(told), "{refused:?}");
    }
    assert_eq!(stripe.refunds().len(), 1);
}

#[test]
fn two_agents_with_the_same_key_are_two_refunds() {
    let (home, stripe) = (Home::new(), Stripe::with([]));
    let other = "ap_other";
    let passport = aport_gate_tests::passport()
        .to_string()
        .replace(AGENT, other);
    std::fs::write(
        home.path().join(format!("passports/{other}.json")),
        passport,
    )
    .unwrap();
    for agent in [AGENT, other] {
        let url = stripe.api.url();
        let envs = [
            ("APORT_AGENT_ID", agent),
            ("STRIPE_API_KEY", KEY),
            ("STRIPE_API_BASE", url.as_str()),
        ];
        let server = ServerProcess::spawn(home.path(), &envs);
        let paid = server.call_tool("process_refund", order("pi_1", 100, "refund-0001"), None);
        assert!(paid.is_ok(), "{paid:?}");
    }
    assert_eq!(stripe.refunds().len(), 2);
    assert_eq!(records(&home, "outcome").len(), 2);
}
