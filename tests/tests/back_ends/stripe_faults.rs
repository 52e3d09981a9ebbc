//! What becomes of a refund when Stripe refuses, fails or falls silent.

use aport_gate_tests::{AGENT, Home};
use serde_json::json;

use crate::api::{Answer, nobody};
use crate::stripe_api::{Fault, KEY, Stripe, order, problem, server};
use crate::trail::settled;

fn error(status: u16) -> Answer {
    problem(
        status,
        json!({"type": "api_error", "message": "An unknown error occurred"}),
    )
}

/// What may have been paid is taken from the cap, and nothing is paid twice.
#[test]
fn a_lost_answer_is_asked_for_again_under_the_same_key() {
    let lost = [
        Answer::Broken,
        Answer::Truncated(json!({"id": "re_1", "object": "refund"}).to_string()),
        Answer::Hangs,
        error(500),
        error(503).with("stripe-should-retry", "true"),
        problem(
            409,
            json!({"type": "invalid_request_error", "code": "lock_timeout", "message": "in use"}),
        ),
        problem(
            429,
            json!({"type": "rate_limit_error", "code": "rate_limit", "message": "Too many"}),
        )
        .with("retry-after", "0"),
    ];
    let (home, stripe) = (Home::new(), Stripe::with(lost.map(Fault::After)));
    let server = stripe.server(&home);
    for number in 0..7 {
        let key = format!("refund-{number:04}");
        let paid = server.call_tool("process_refund", order("pi_1", 100, &key), None);
        assert!(paid.is_ok(), "{number}: {paid:?}");
        assert_eq!(settled(&home, &paid), "committed", "{number}");
        let repeated = server.call_tool("process_refund", order("pi_1", 100, &key), None);
        assert_eq!(repeated.codes(), ["oap.idempotency_conflict"]);
    }
    assert_eq!(stripe.refunds().len(), 7);
    assert_eq!(stripe.api.seen("POST", "/v1/refunds").len(), 14);
}

#[test]
fn what_stays_unknown_is_held() {
    let hopeless = || {
        [
            vec![Answer::Hangs; 4],
            vec![Answer::Broken; 4],
            vec![error(500); 4],
            vec![error(500).with("stripe-should-retry", "false")],
            vec![problem(429, json!({"type": "rate_limit_error"})); 4],
            vec![problem(409, json!({"type": "idempotency_error"})); 4],
            // Used with other details, perhaps by another server and for this very refund.
            vec![problem(
                400,
                json!({"type": "idempotency_error", "message": "other parameters"}),
            )],
            vec![Answer::json(
                200,
                &json!({"id": "re_9", "object": "refund", "amount": 1, "currency": "usd", "status": "succeeded"}),
            )],
            vec![Answer::json(
                200,
                &json!({"id": "re_9", "object": "refund", "amount": 500, "currency": "eur", "status": "succeeded"}),
            )],
            vec![Answer::json(
                200,
                &json!({"id": "re_9", "object": "refund", "amount": 500, "currency": "usd", "status": "new"}),
            )],
            vec![Answer::json(
                200,
                &json!({"id": "re_9", "object": "refund", "amount": 500, "currency": "usd", "status": "succeeded",
                    "payment_intent": "pi_other", "charge": "ch_1"}),
            )],
            vec![
                problem(429, json!({"type": "rate_limit_error"}))
                    .with("retry-after", "18446744073709551615"),
            ],
            // Not Stripe's form: something in between.
            vec![Answer::json(408, &json!({"message": "took too long"})); 4],
            vec![Answer::json(499, &json!({})); 4],
            vec![Answer::json(404, &json!({"message": "no such route"}))],
            vec![
                problem(404, json!({"type": "not_found", "message": "no route"}))
                    .with("server", "gateway"),
            ],
            vec![Answer::json(
                403,
                &json!({"error": {"type": "invalid_request_error", "message": "no id of a request"}}),
            )],
            vec![
                Answer::json(
                    404,
                    &json!({"error": {"type": "invalid_request_error", "message": "another's id"}}),
                )
                .with("request-id", "5f6d"),
            ],
            vec![Answer::page(403, "<html>no</html>").with("request-id", "req_1")],
            vec![Answer::json(302, &json!({})).with("location", "/elsewhere")],
            // A refusal after an answer that was lost says nothing about what the first one did.
            vec![
                Answer::Broken,
                problem(
                    400,
                    json!({"type": "invalid_request_error", "message": "no"}),
                ),
            ],
        ]
    };
    for (number, faults) in hopeless().into_iter().enumerate() {
        let (home, stripe) = (
            Home::new(),
            Stripe::with(faults.into_iter().map(Fault::Instead)),
        );
        let server = stripe.server(&home);
        let key = "refund-0001";
        let unclear = server.call_tool("process_refund", order("pi_1", 500, key), None);
        assert!(!unclear.is_ok(), "{number}: {unclear:?}");
        assert!(
            unclear.text().contains("not known whether"),
            "{number}: {unclear:?}"
        );
        assert!(
            unclear.text().contains(unclear.decision_id()),
            "{number}: {unclear:?}"
        );
        // What to look for is what stands in the metadata there.
        for part in ["before anything else", "`pi_1`", "`refund-0001`", AGENT] {
            assert!(unclear.text().contains(part), "{number}: {unclear:?}");
        }
        assert!(!unclear.text().contains("<html>"), "{number}: {unclear:?}");
        assert_eq!(settled(&home, &unclear), "held", "{number}: {unclear:?}");
        let repeated = server.call_tool("process_refund", order("pi_1", 500, key), None);
        assert_eq!(repeated.codes(), ["oap.idempotency_conflict"], "{number}");
        // Of 10000 a day, 500 stay taken.
        let first = server.call_tool("process_refund", order("pi_1", 5000, "refund-0002"), None);
        assert!(first.is_ok(), "{number}: {first:?}");
        let over = server.call_tool("process_refund", order("pi_1", 4501, "refund-0003"), None);
        assert_eq!(over.codes(), ["oap.limit_exceeded"], "{number}");
    }
}

#[test]
fn a_refusal_gives_back_what_was_taken_and_says_why() {
    let refusals = [
        (
            400,
            json!({"type": "invalid_request_error", "code": "charge_already_refunded", "message": "Charge ch_1 has already been refunded."}),
            "charge_already_refunded",
        ),
        (
            400,
            json!({"type": "invalid_request_error", "message": "Refund amount ($50.00) is greater than unrefunded amount on charge ($10.00)"}),
            "greater than unrefunded",
        ),
        (
            402,
            json!({"type": "card_error", "code": "card_declined", "message": format!("Your card was declined. {KEY}")}),
            "declined. …",
        ),
        (
            404,
            json!({"type": "invalid_request_error", "code": "resource_missing", "message": "No such charge"}),
            "No such charge",
        ),
        (
            403,
            json!({"type": "invalid_request_error", "message": "The provided key 'rk_test_***er2' does not have the required permissions"}),
            "does not let this server's key",
        ),
    ];
    let faults = refusals
        .clone()
        .map(|(status, error, _)| Fault::Kept(problem(status, error)));
    let (home, stripe) = (Home::new(), Stripe::with(faults));
    let server = stripe.server(&home);
    for (number, (status, _, told)) in refusals.iter().enumerate() {
        let key = format!("refund-{number:04}");
        let refused = server.call_tool("process_refund", order("pi_1", 5000, &key), None);
        assert!(refused.text().contains(told), "{status}: {refused:?}");
        assert!(!refused.text().contains("er2"), "{status}: {refused:?}");
        assert_eq!(settled(&home, &refused), "released", "{status}");
    }
    assert_eq!(stripe.api.seen("POST", "/v1/refunds").len(), refusals.len());
    // Stripe remembers its refusal under the key, for another decision: it says so, and pays nothing.
    let repeated = server.call_tool("process_refund", order("pi_1", 5000, "refund-0000"), None);
    assert!(repeated.text().contains("use a new key"), "{repeated:?}");
    assert!(
        repeated.text().contains("charge_already_refunded"),
        "{repeated:?}"
    );
    assert_eq!(settled(&home, &repeated), "released");
    assert_eq!(stripe.refunds().len(), 0);
    // The whole cap is there.
    for key in ["refund-1001", "refund-1002"] {
        assert!(
            server
                .call_tool("process_refund", order("pi_1", 5000, key), None)
                .is_ok()
        );
    }
}

#[test]
fn a_refund_that_is_not_finished_counts_and_one_that_failed_does_not() {
    let faults = [
        (
            json!({"status": "pending"}),
            "pending at the payment provider",
            "committed",
        ),
        (
            json!({"status": "requires_action"}),
            "waits for the customer",
            "committed",
        ),
        (
            json!({"status": "failed", "failure_reason": "expired_or_canceled_card"}),
            "expired_or_canceled_card",
            "released",
        ),
        (json!({"status": "canceled"}), "canceled", "released"),
    ];
    let (home, stripe) = (
        Home::new(),
        Stripe::with(faults.clone().map(|(fields, ..)| Fault::Altered(fields))),
    );
    let server = stripe.server(&home);
    for (number, (fields, told, state)) in faults.iter().enumerate() {
        let key = format!("refund-{number:04}");
        let answer = server.call_tool("process_refund", order("pi_1", 100, &key), None);
        assert_eq!(
            answer.is_ok(),
            *state == "committed",
            "{fields}: {answer:?}"
        );
        assert!(answer.text().contains(told), "{fields}: {answer:?}");
        assert_eq!(settled(&home, &answer), *state, "{fields}");
    }
}

#[test]
fn a_stripe_that_cannot_be_reached_costs_nothing() {
    let home = Home::new();
    let server = server(&home, &nobody());
    let refused = server.call_tool("process_refund", order("pi_1", 5000, "refund-0001"), None);
    assert_eq!(refused.codes(), ["gate.facts_unavailable"], "{refused:?}");
    // Where this server's own systems are is not for an agent.
    assert!(!refused.text().contains("127.0.0.1"), "{refused:?}");
}

/// Killed while Stripe works: the refund was made, and nobody here was told.
#[test]
fn a_server_killed_in_a_refund_pays_it_once_and_keeps_its_share_taken() {
    let lost = Fault::After(Answer::Hangs);
    let (home, stripe) = (Home::new(), Stripe::with([lost]));
    let server = stripe.server(&home);
    let unanswered = std::thread::scope(|scope| {
        let call = scope.spawn(|| {
            server.try_call_tool("process_refund", order("pi_1", 4000, "refund-0001"), None)
        });
        while stripe.refunds().is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        server.kill();
        call.join().unwrap()
    });
    assert!(unanswered.is_none(), "{unanswered:?}");

    let survivor = stripe.server(&home);
    let call = |amount, key| survivor.call_tool("process_refund", order("pi_1", amount, key), None);
    assert_eq!(
        call(4000, "refund-0001").codes(),
        ["oap.idempotency_conflict"]
    );
    assert_eq!(stripe.refunds().len(), 1);
    // Of 10000 a day, 4000 are taken.
    assert!(call(5000, "refund-0002").is_ok());
    assert_eq!(call(1001, "refund-0003").codes(), ["oap.limit_exceeded"]);
    assert!(call(1000, "refund-0004").is_ok());
}
