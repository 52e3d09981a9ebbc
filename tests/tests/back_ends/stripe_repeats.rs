//! The same refund, asked for by another server with the same account at Stripe.

use aport_gate_tests::{Home, ServerProcess};
use serde_json::json;

use crate::api::Answer;
use crate::stripe_api::{Fault, Stripe, order, problem};
use crate::trail::settled;

#[test]
fn another_server_that_repeats_a_refund_is_given_the_first_one_and_pays_nothing() {
    let (one, other, stripe) = (Home::new(), Home::new(), Stripe::with([]));
    let call = |server: &ServerProcess, payment, amount| {
        server.call_tool(
            "process_refund",
            order(payment, amount, "refund-0001"),
            None,
        )
    };
    let first = call(&stripe.server(&one), "pi_1", 500);
    assert!(
        first.text().contains("re_1") && !first.text().contains("Paid: "),
        "{first:?}"
    );
    let server = stripe.server(&other);
    let repeated = call(&server, "pi_1", 500);
    assert_ne!(first.decision_id(), repeated.decision_id());
    assert!(
        repeated.text().contains("re_1") && repeated.text().contains("Paid: once under this key"),
        "{repeated:?}"
    );
    assert_eq!(settled(&other, &repeated), "committed");
    assert_eq!(stripe.refunds().len(), 1);
    // With other details nobody here knows what was paid under the key, nor says that a new one is the way.
    for (payment, amount) in [("pi_1", 400), ("ch_1", 500)] {
        let home = Home::new();
        let unclear = call(&stripe.server(&home), payment, amount);
        for part in [
            "not known whether",
            "this idempotency key was used before, perhaps for this very refund",
            "before anything else look at",
            payment,
        ] {
            assert!(unclear.text().contains(part), "{part}: {unclear:?}");
        }
        assert!(!unclear.text().contains("new key"), "{unclear:?}");
        assert_eq!(settled(&home, &unclear), "held");
    }
    assert_eq!(stripe.refunds().len(), 1);
}

/// Stripe gives a refusal again under its key, so it is the same one here and there, and nobody was paid.
#[test]
fn another_server_that_repeats_a_declined_refund_is_told_the_decline() {
    let decline = problem(
        402,
        json!({"type": "card_error", "code": "balance_insufficient", "message": "Insufficient funds."}),
    );
    let (one, other, stripe) = (
        Home::new(),
        Home::new(),
        Stripe::with([Fault::Kept(decline)]),
    );
    for home in [&one, &one, &other] {
        let declined = stripe.server(home).call_tool(
            "process_refund",
            order("pi_1", 500, "refund-0001"),
            None,
        );
        assert!(
            declined.text().contains("balance_insufficient"),
            "{declined:?}"
        );
        assert_eq!(settled(home, &declined), "released");
    }
    assert!(stripe.refunds().is_empty());
}

/// An answer that Stripe gives again may be of an earlier call, also where this one had to ask twice: its first
/// attempt may have been given the same answer already.
#[test]
fn an_answer_given_again_says_so_also_after_an_attempt_that_told_nothing() {
    let limited = problem(
        429,
        json!({"type": "api_error", "message": "Too many requests"}),
    );
    for (first, paid_before) in [
        (Fault::After(Answer::Broken), false),
        (Fault::After(limited.clone()), false),
        (Fault::Instead(limited), false),
        (Fault::After(Answer::Broken), true),
    ] {
        let (home, stripe) = (Home::new(), Stripe::with([first.clone()]));
        let call = |home: &Home| {
            stripe
                .server(home)
                .call_tool("process_refund", order("pi_1", 500, "refund-0001"), None)
        };
        if paid_before {
            assert!(call(&Home::new()).is_ok());
        }
        let paid = call(&home);
        assert!(paid.is_ok(), "{first:?}: {paid:?}");
        // Only what Stripe did not do before is surely new.
        let is_new = matches!(first, Fault::Instead(_));
        let says_so = paid
            .text()
            .contains("Paid: once under this key, by this call or an earlier one");
        assert_eq!(says_so, !is_new, "{first:?}: {paid:?}");
        assert_eq!(settled(&home, &paid), "committed");
        assert_eq!(stripe.refunds().len(), 1);
    }
}

#[test]
fn a_failed_refund_that_is_given_again_says_that_a_new_try_needs_a_new_key() {
    let failed = json!({"status": "failed", "failure_reason": "expired_or_canceled_card"});
    let stripe = Stripe::with([Fault::Altered(failed)]);
    for is_repeated in [false, true] {
        let home = Home::new();
        let told = stripe.server(&home).call_tool(
            "process_refund",
            order("pi_1", 500, "refund-0001"),
            None,
        );
        for part in ["expired_or_canceled_card", "nothing was paid"] {
            assert!(told.text().contains(part), "{part}: {told:?}");
        }
        let says_so = told.text().contains("use a new key for a new try");
        assert_eq!(says_so, is_repeated, "{told:?}");
        assert_eq!(settled(&home, &told), "released");
    }
}
