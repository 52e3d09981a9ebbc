//! One `tracing` span a call: who asked what, what was decided, and where the time went.

use std::time::Instant;

use tracing::Span;
use tracing::field::Empty;

/// A stage of a call, by the field that holds its time in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    /// Looking up the facts.
    Facts,
    /// Deciding, with the ledger's part and the registry's.
    Verify,
    /// Writing the decision down.
    Ledger,
    /// The tool's body.
    Body,
}

/// The span of a call that this verifier decides. A call that gets no decision has `refused`, the code of
/// why, in place of `decision_id` and `allow`.
pub(crate) fn gated_call(tool: &'static str, pack: &'static str, verifier: &'static str) -> Span {
    tracing::info_span!(
        "gated_call",
        tool,
        pack,
        agent = Empty,
        decision_id = Empty,
        allow = Empty,
        refused = Empty,
        verifier,
        cache = Empty,
        attempts = Empty,
        facts_ms = Empty,
        verify_ms = Empty,
        ledger_ms = Empty,
        body_ms = Empty,
    )
}

/// Adds how long a stage of the current call took.
pub(crate) fn took(stage: Stage, began: Instant) {
    let field = match stage {
        Stage::Facts => "facts_ms",
        Stage::Verify => "verify_ms",
        Stage::Ledger => "ledger_ms",
        Stage::Body => "body_ms",
    };
    Span::current().record(field, began.elapsed().as_secs_f64() * 1000.0);
}
