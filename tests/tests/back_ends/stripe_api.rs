//! Stripe, as far as refunds go.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use aport_gate_tests::{AGENT, Home, ServerProcess, refund_arguments};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Seen};

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
        // Not Stripe's word: something on the way.
        ("GET", "/v1/payment_intents/pi_gateway") => Answer::json(
            404,
            &json!({"error": {"type": "not_found", "message": "no route"}}),
        ),
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
