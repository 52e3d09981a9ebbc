//! What stands inside a gate under test, between it and its verifier.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::ManualClock;
use super::script::Script;
use crate::clock::Clock;
use crate::gate::{Gate, GateInner};
use crate::ledger::Recorded;
use crate::local::Query;
use crate::refusal::Refusal;

/// Answers from a script where there is one, and keeps what was asked.
#[derive(Debug)]
pub(crate) struct Rig {
    script: Option<Script>,
    clock: ManualClock,
    contexts: Mutex<HashMap<String, Map<String, Value>>>,
}

impl Rig {
    pub(super) fn new(script: Option<Script>, clock: ManualClock) -> Self {
        Self {
            script,
            clock,
            contexts: Mutex::default(),
        }
    }

    /// Puts the rig into a gate that nobody else has yet.
    pub(super) fn install(self: Arc<Self>, gate: Gate) -> Gate {
        let Some(mut inner) = Arc::into_inner(gate.inner) else {
            panic!("the gate under test is in use already")
        };
        inner.verifier.set_clock(Clock::Manual(self.clock.clone()));
        inner.rig = Some(self);
        Gate {
            inner: Arc::new(inner),
        }
    }

    /// Whether decisions come from a script, which asks for no passport.
    pub(crate) fn is_scripted(&self) -> bool {
        self.script.is_some()
    }

    pub(super) fn clock(&self) -> &ManualClock {
        &self.clock
    }

    pub(crate) async fn verify(
        &self,
        gate: &GateInner,
        query: Query,
        deadline: Instant,
    ) -> Result<Recorded, Refusal> {
        let context = query.context.clone();
        let recorded = match &self.script {
            Some(script) => script.verify(&gate.ledger, query, self.clock.now()).await?,
            None => gate.verifier.verify(&gate.ledger, query, deadline).await?,
        };
        self.contexts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(recorded.decision.decision_id.clone(), context);
        Ok(recorded)
    }

    /// The context that a decision was made on.
    pub(super) fn context(&self, decision_id: &str) -> Option<Map<String, Value>> {
        self.contexts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(decision_id)
            .cloned()
    }
}
