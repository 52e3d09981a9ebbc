//! What an evaluation asks the ledger to record.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aport_gate_oap::{Charge, Decision, Usage};
use serde_json::{Map, Value};

use super::error::Problem;
#[cfg(feature = "registry")]
use super::reservation::OutcomeListener;
use super::reservation::Reservation;

/// The evaluation of a policy, given what the ledger read. A backend that finds out only afterwards
/// that it read too early asks again: only the last verdict counts.
pub(crate) type Evaluate = Box<dyn FnMut(&Usage) -> Verdict + Send>;

/// What an evaluation asks the ledger to record.
pub(crate) struct Verdict {
    pub(crate) decision: Decision,
    pub(crate) tool: String,
    /// Context fields that the server looked up itself; the others are the agent's or the tool's word.
    pub(crate) facts: Option<Map<String, Value>>,
    /// Where the decision comes from, if not from here.
    pub(crate) registry: Option<Map<String, Value>>,
    /// Taken only when the decision allows.
    pub(crate) charges: Vec<Charge>,
    /// Taken only when the decision allows.
    pub(crate) idempotency_key: Option<String>,
}

/// A decision whose record is durable.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) decision: Decision,
    /// Present exactly when the decision allows.
    pub(crate) reservation: Option<Reservation>,
}

impl Recorded {
    /// Tells somebody else how the call ends.
    #[cfg(feature = "registry")]
    pub(crate) fn listened_to_by(mut self, listener: Box<dyn OutcomeListener>) -> Self {
        if let Some(reservation) = &mut self.reservation {
            reservation.listen(listener);
        }
        self
    }
}

/// Evaluates. A panic is a refusal, and reaches neither the ledger's thread nor its locks.
pub(super) fn judge(evaluate: &mut Evaluate, usage: &Usage) -> Result<Verdict, Problem> {
    catch_unwind(AssertUnwindSafe(|| evaluate(usage)))
        .map_err(|panic| Problem::Evaluation(message(panic.as_ref())))
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it gave no message".to_owned())
}
