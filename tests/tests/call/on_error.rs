//! What a failing body means for the cap, by `on_error` and by what its error reports.

use std::sync::Arc;

use aport_gate::testing::{Session, TestGate, TestPassport, assert_allowed, assert_denied};
use aport_gate::{Server, policy_gated};

use crate::desk::{DeskError, passport, refund_arguments};

/// A refund whose body fails with the note, unless there is none.
macro_rules! failing_refund {
    ($name:ident, $on_error:literal, $error:ty, $fail:expr) => {
        #[policy_gated(
                                                    pack = "finance.payment.refund.v1",
                                                    context(reason_code = "customer_request"),
                                                    on_error = $on_error
                                                )]
        async fn $name(
            order_id: String,
            customer_id: String,
            amount: u64,
            currency: String,
            region: String,
            idempotency_key: String,
            note: Option<String>,
        ) -> Result<String, $error> {
            drop((order_id, customer_id, currency, region, idempotency_key));
            let fail: fn(&str) -> $error = $fail;
            match note {
                Some(note) => Err(fail(&note)),
                None => Ok(amount.to_string()),
            }
        }
    };
}

fn report(note: &str) -> DeskError {
    if note == "closed" {
        DeskError::Closed
    } else {
        DeskError::Unclear
    }
}

failing_refund!(plain_hold, "hold", String, |note| note.to_owned());
failing_refund!(plain_release, "release", String, |note| note.to_owned());
failing_refund!(boxed_hold, "hold", Box<DeskError>, |note| Box::new(report(
    note
)));
failing_refund!(shared_release, "release", Arc<DeskError>, |note| Arc::new(
    report(note)
));

async fn session() -> (TestGate, Session<Server<()>>) {
    let gate = TestGate::builder().passport(TestPassport::from_document(passport()));
    let gate = gate.build().await;
    let session = gate
        .serve((), |server| {
            server
                .with_route(plain_hold)
                .with_route(plain_release)
                .with_route(boxed_hold)
                .with_route(shared_release)
        })
        .await;
    (gate, session)
}

/// Two refunds of half the daily cap that fail as `note` says; then whether a third finds room, and
/// whether the first one's key pays again.
async fn room_after_failures(tool: &str, note: &str) -> bool {
    let (_gate, session) = session().await;
    for key in ["key-00000001", "key-00000002"] {
        let failed = session.call(tool, refund_arguments(5000, key, Some(note)));
        assert_eq!(failed.await.result().is_error, Some(true));
    }
    let third = session
        .call(tool, refund_arguments(5000, "key-00000003", None))
        .await;
    let repeated = session
        .call(tool, refund_arguments(1, "key-00000001", None))
        .await;
    if third.codes() == ["oap.allowed"] {
        assert_allowed!(third);
        assert_allowed!(repeated);
        return true;
    }
    assert_denied!(third, "oap.limit_exceeded");
    assert!(
        repeated.codes().contains(&"oap.idempotency_conflict"),
        "{repeated:?}"
    );
    false
}

#[tokio::test]
async fn an_error_under_release_gives_the_cap_and_the_key_back() {
    assert!(room_after_failures("plain_release", "no").await);
}

#[tokio::test]
async fn an_error_under_hold_keeps_the_cap_and_the_key() {
    assert!(!room_after_failures("plain_hold", "no").await);
}

#[tokio::test]
async fn a_boxed_or_shared_error_reports_its_execution_over_on_error() {
    assert!(room_after_failures("boxed_hold", "closed").await);
    assert!(!room_after_failures("boxed_hold", "unclear").await);
    assert!(room_after_failures("shared_release", "closed").await);
    assert!(!room_after_failures("shared_release", "unclear").await);
}
