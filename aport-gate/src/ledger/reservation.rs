//! A share of a cap, taken before the body runs, then committed, released or held.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::backend::{Backend, Settler};
use super::error::LedgerError;

/// How the body of a tool ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyOutcome {
    /// It returned a result.
    Ok,
    /// It returned an error.
    Error,
    /// It panicked.
    Panicked,
    /// It was dropped before it ended, or never began.
    Abandoned,
}

/// What becomes of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The effect took place: the charges stay.
    Commit,
    /// Nothing was executed: the charges and the idempotency key are given back.
    Release,
    /// Nobody knows: the charges stay until their windows end.
    Hold,
}

/// A reservation that is settled exactly once, by [`Reservation::settle`] or by its drop.
#[derive(Debug)]
pub(crate) struct Reservation {
    // Dropped before the backend: a backend waits until nobody can settle any more.
    guard: Guard,
    _backend: Arc<dyn Backend>,
    listener: Option<Box<dyn OutcomeListener>>,
}

/// Somebody else who has to know how a call ended, because caps are kept elsewhere. Dropped before
/// [`settled`](Self::settled), it tells that nobody knows.
pub(crate) trait OutcomeListener: fmt::Debug + Send + Sync {
    /// The body begins.
    fn started(&mut self);

    /// How it ended. Telling goes on when the future is dropped; it ends when the caller need not wait.
    fn settled(&mut self, outcome: BodyOutcome, settlement: Settlement) -> BoxFuture<'static, ()>;
}

impl Reservation {
    pub(super) fn new(guard: Guard, backend: Arc<dyn Backend>) -> Self {
        Self {
            guard,
            _backend: backend,
            listener: None,
        }
    }

    #[cfg(feature = "registry")]
    pub(crate) fn listen(&mut self, listener: Box<dyn OutcomeListener>) {
        self.listener = Some(listener);
    }

    /// The body begins: from here on, a drop holds.
    pub(crate) fn start(&mut self) {
        self.guard.started = true;
        if let Some(listener) = &mut self.listener {
            listener.started();
        }
    }

    /// Leaves the reservation pending, to be settled later by the id of its decision. Until then,
    /// and for good where nobody does, its charges stay taken.
    #[cfg(feature = "cli")]
    pub(crate) fn detach(mut self) {
        self.guard.settled = true;
    }

    /// Settles, and writes the outcome record in the same transaction.
    pub(crate) async fn settle(
        mut self,
        outcome: BodyOutcome,
        execution: Settlement,
    ) -> Result<(), LedgerError> {
        let end = self.guard.end(outcome, execution);
        // From the next line on the backend settles, even when this future is dropped.
        self.guard.settled = true;
        let listening = self.listener.as_mut();
        let told = listening.map(|listener| listener.settled(outcome, execution));
        let settled = self.guard.settler.settle(end).await;
        if let Some(told) = told {
            told.await;
        }
        settled
    }
}

/// Settles on drop. Made by the backend before anybody receives the reservation.
pub(super) struct Guard {
    settler: Box<dyn Settler>,
    decision_id: String,
    started: bool,
    settled: bool,
}

impl Guard {
    pub(super) fn new(settler: Box<dyn Settler>, decision_id: String) -> Self {
        Self {
            settler,
            decision_id,
            started: false,
            settled: false,
        }
    }

    fn end(&self, outcome: BodyOutcome, settlement: Settlement) -> End {
        End {
            decision_id: self.decision_id.clone(),
            executed: self.started,
            outcome,
            settlement,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let settlement = if self.started {
            Settlement::Hold
        } else {
            Settlement::Release
        };
        let end = self.end(BodyOutcome::Abandoned, settlement);
        self.settler.settle_unattended(end);
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Guard")
            .field("decision_id", &self.decision_id)
            .field("started", &self.started)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

/// The end of a reservation, as the backend writes it.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) decision_id: String,
    /// Whether the body began.
    pub(crate) executed: bool,
    pub(crate) outcome: BodyOutcome,
    pub(crate) settlement: Settlement,
}

impl End {
    /// The body of the outcome record.
    pub(super) fn record(&self) -> Value {
        json!({
            "outcome": self.outcome.name(),
            "executed": self.executed,
            "reservation": self.settlement.state(),
        })
    }
}

impl BodyOutcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Panicked => "panicked",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Settlement {
    /// What is asked for.
    #[cfg(feature = "registry")]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Release => "release",
            Self::Hold => "hold",
        }
    }

    /// The reservation's state from then on, as stored.
    pub(crate) fn state(self) -> &'static str {
        match self {
            Self::Commit => "committed",
            Self::Release => "released",
            Self::Hold => "held",
        }
    }
}
