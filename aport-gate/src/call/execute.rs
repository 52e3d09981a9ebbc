//! Runs the body behind its permit and settles what it took.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tracing::Span;

use super::prepared::Prepared;
use super::refused::cancelled;
use super::{Allowed, Incoming};
use crate::ledger::{BodyOutcome, Reservation, Settlement};
use crate::output::{Answer, OnError, Returned, failure};
use crate::permit::Permit;
use crate::refusal::{attach_decision, attach_outcome, attach_to_answer};
use crate::span::{self, Stage};

pub(super) async fn execute<'s>(
    allowed: Allowed,
    incoming: &Incoming,
    call: Box<dyn Prepared<'s> + 's>,
) -> Answer {
    let Allowed {
        permit,
        mut reservation,
    } = allowed;
    if incoming.cancelled.is_cancelled() {
        // Dropping the reservation gives it back: the body has not begun.
        let refusal = cancelled();
        Span::current().record("refused", refusal.code());
        return Ok(refusal.into_result(incoming.tool.pack.id).into());
    }
    // From here on a dropped reservation is held: nobody knows how far the body came.
    reservation.start();
    let lent = Arc::clone(&permit);
    let began = std::time::Instant::now();
    let running = AssertUnwindSafe(async move { call.run(lent).await }).catch_unwind();
    let ended = tokio::select! {
        biased;
        ended = running => {
            span::took(Stage::Body, began);
            ended
        }
        () = incoming.cancelled.cancelled() => {
            tracing::warn!(decision_id = permit.decision_id(), "cancelled while the tool ran");
            let mut result = failure(format!(
                "The call was cancelled while the tool ran; what it did so far is unknown.\nDecision ID: {}",
                permit.decision_id()
            ));
            attach_decision(&mut result, permit.decision());
            let mut answer = Ok(result.into());
            attach_outcome(&mut answer, BodyOutcome::Abandoned, Settlement::Hold);
            return answer;
        }
    };
    settle(&permit, reservation, incoming.tool.on_error, ended.ok()).await
}

/// Settles with what the body returned; it panicked where there is nothing.
async fn settle(
    permit: &Permit,
    reservation: Reservation,
    on_error: OnError,
    returned: Option<Returned>,
) -> Answer {
    let (outcome, settlement, mut answer) = match returned {
        Some(returned) => {
            let outcome = if returned.is_error() {
                BodyOutcome::Error
            } else {
                BodyOutcome::Ok
            };
            (outcome, returned.settlement(on_error), returned.answer)
        }
        None => {
            let result = failure(format!(
                "The tool failed while it ran; what it did so far is unknown.\nDecision ID: {}",
                permit.decision_id()
            ));
            (BodyOutcome::Panicked, Settlement::Hold, Ok(result.into()))
        }
    };
    if let Err(error) = reservation.settle(outcome, settlement).await {
        // The body has run and its answer is true. What it took from the caps
        // stays taken, so nothing can be spent twice.
        tracing::error!(%error, decision_id = permit.decision_id(), "outcome could not be recorded");
    }
    attach_to_answer(&mut answer, permit.decision());
    attach_outcome(&mut answer, outcome, settlement);
    answer
}
