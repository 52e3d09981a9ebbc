//! Refunds through Stripe's API.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aport_gate_tests::{AGENT, Home, ServerProcess, refund_arguments};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Seen};
use crate::trail::{records, settled};

pub(crate) const KEY: &str = "rk_test_hunter2hunter2";

/// What goes wrong with one request for a refund.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is refunded, and this is what the client gets.
    After(Answer),
    /// It is not refunded, and this is the answer; Stripe does not keep it.
    Instead(Answer),
    /// It is not refunded, and this is the answer from now on, under this key.
    Kept(Answer),
    /// It is refunded with other fields in the answer.
    Altered(Value),
}

#[derive(Default)]
pub(crate) struct Books {
    /// Fields of what was refunded, in order.
    pub(crate) refunds: Vec<HashMap<String, String>>,
    kept: HashMap<String, (String, Answer)>,
    faults: VecDeque<Fault>,
}

/// Stripe, as far as refunds go: idempotent under a key, with its own books.
pub(crate) struct Stripe {
    pub(crate) api: Api,
    pub(crate) books: Arc<Mutex<Books>>,
}

impl Stripe {
    pub(crate) fn with(faults: impl IntoIterator<Item = Fault>) -> Self {
        let books = Arc::new(Mutex::new(Books {
            faults: faults.into_iter().collect(),
            ..Books::default()
        }));
        let own = Arc::clone(&books);
        let api = Api::answering(move |seen| answer(seen, &mut own.lock().unwrap()));
        Self { api, books }
    }

    pub(crate) fn server(&self, home: &Home) -> ServerProcess {
        server(home, &self.api.url())
    }

    pub(crate) fn refunds(&self) -> Vec<HashMap<String, String>> {
        self.books.lock().unwrap().refunds.clone()
    }
}

pub(crate) fn server(home: &Home, base: &str) -> ServerProcess {
    let envs = [
        ("APORT_AGENT_ID", AGENT),
        ("STRIPE_API_KEY", KEY),
        ("STRIPE_API_BASE", base),
        ("STRIPE_TIMEOUT_MS", "3000"),
        ("RUST_LOG", "debug,rmcp=info"),
    ];
    ServerProcess::spawn(home.path(), &envs)
}

/// A refund of a payment.
pub(crate) fn order(payment: &str, amount: u64, key: &str) -> Value {
    let mut arguments = refund_arguments(amount, key);
    arguments["order_id"] = json!(payment);
    arguments["customer_id"] = json!("cus_Nx1");
    arguments
}

fn answer(seen: &Seen, books: &mut Books) -> Answer {
    if seen.headers.get("authorization").map(String::as_str) != Some(&format!("Bearer {KEY}")) {
        return problem(
            401,
            json!({"type": "invalid_request_error", "message": "Invalid API Key provided: rk_test_***"}),
        );
    }
    assert_eq!(seen.headers["stripe-version"], "2024-06-20");
    match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/v1/payment_intents/pi_1") => {
            payment("pi_1", "payment_intent", "usd", json!("cus_Nx1"))
        }
        ("GET", "/v1/payment_intents/pi_guest") => {
            payment("pi_guest", "payment_intent", "usd", Value::Null)
        }
        ("GET", "/v1/charges/ch_1") => payment(
            "ch_1",
            "charge",
            "usd",
            json!({"id": "cus_Nx1", "object": "customer"}),
        ),
        ("GET", "/v1/charges/ch_eur") => payment("ch_eur", "charge", "eur", json!("cus_Nx1")),
        ("GET", path) => problem(
            404,
            json!({
                "type": "invalid_request_error", "code": "resource_missing",
                "message": format!("No such payment: '{path}'"), "param": "intent",
            }),
        ),
        ("POST", "/v1/refunds") => refund(seen, books),
        _ => problem(
            404,
            json!({"type": "invalid_request_error", "message": "Unrecognized request URL"}),
        ),
    }
}

fn refund(seen: &Seen, books: &mut Books) -> Answer {
    let key = seen.headers["idempotency-key"].clone();
    assert!(key.len() <= 255);
    if let Some((body, kept)) = books.kept.get(&key) {
        if *body != seen.body {
            return problem(
                400,
                json!({
                    "type": "idempotency_error",
                    "message": "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                }),
            );
        }
        return kept.clone().with("idempotent-replayed", "true");
    }
    let form = form(&seen.body);
    let id = format!("re_{}", books.refunds.len() + 1);
    let mut made = json!({
        "id": id, "object": "refund", "amount": form["amount"].parse::<u64>().unwrap(),
        "balance_transaction": "txn_1", "charge": "ch_1", "created": 1_680_800_504, "currency": "usd",
        "metadata": {}, "payment_intent": form.get("payment_intent"), "reason": form.get("reason"),
        "receipt_number": null, "source_transfer_reversal": null, "status": "succeeded",
        "transfer_reversal": null,
    });
    let (given, kept) = match books.faults.pop_front() {
        None => (None, Answer::json(200, &made)),
        Some(Fault::After(given)) => (Some(given), Answer::json(200, &made)),
        Some(Fault::Instead(given)) => return given,
        Some(Fault::Kept(given)) => {
            books.kept.insert(key, (seen.body.clone(), given.clone()));
            return given;
        }
        Some(Fault::Altered(fields)) => {
            for (name, value) in fields.as_object().unwrap() {
                made[name] = value.clone();
            }
            (None, Answer::json(200, &made))
        }
    };
    books.refunds.push(form);
    books.kept.insert(key, (seen.body.clone(), kept.clone()));
    given.unwrap_or(kept)
}

pub(crate) fn problem(status: u16, error: Value) -> Answer {
    Answer::json(status, &json!({ "error": error })).with("request-id", "req_1")
}

fn payment(id: &str, object: &str, currency: &str, customer: Value) -> Answer {
    Answer::json(
        200,
        &json!({
            "id": id, "object": object, "amount": 20_000, "currency": currency, "customer": customer,
            "livemode": false, "status": "succeeded",
        }),
    )
}

fn form(body: &str) -> HashMap<String, String> {
    let decoded = |text: &str| {
        text.replace('+', " ")
            .replace("%5B", "[")
            .replace("%5D", "]")
    };
    body.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

#[test]
fn a_refund_reaches_stripe_with_its_key_reason_and_decision() {
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
        ("metadata[decision_id]", paid.decision_id()),
        ("metadata[agent_id]", AGENT),
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
    for (id, told) in [("pi_unknown", "Stripe knows no payment"), ("ORD-1", "pi_")] {
        let refused = server.call_tool("process_refund", order(id, 100, "refund-0009"), None);
        assert_eq!(refused.codes(), ["gate.facts_unavailable"], "{refused:?}");
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
