//! What an evaluation asks the ledger to record.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aport_gate_oap::{Charge, Decision, Usage};
use serde_json::{Map, Value, json};

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

impl Verdict {
    /// The body of the decision's audit record.
    pub(super) fn record(&self) -> Result<Value, Problem> {
        let mut body =
            json!({ "decision": serde_json::to_value(&self.decision)?, "tool": self.tool });
        if let (Some(facts), Some(members)) = (&self.facts, body.as_object_mut()) {
            let facts = json!({ "trusted": true, "fields": facts });
            members.insert("facts".to_owned(), facts);
        }
        if let (Some(registry), Some(members)) = (&self.registry, body.as_object_mut()) {
            members.insert("registry".to_owned(), json!(registry));
        }
        if self.decision.allow
            && let Some(members) = body.as_object_mut()
        {
            members.insert("charges".to_owned(), serde_json::to_value(&self.charges)?);
            members.insert("idempotency_key".to_owned(), json!(self.idempotency_key));
        }
        Ok(body)
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it gave no message".to_owned())
}
