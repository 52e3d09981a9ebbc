//! A ledger in the memory of one process, for tests and benchmarks.
//!
//! Everything is under one lock, which is held while a policy is evaluated: as with a transaction,
//! nothing changes between what a decision read and what it records.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aport_gate_oap::{Charge, CounterKey, Decision, Usage, UsagePlan};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use serde_json::Value;

use super::audit::{AuditRecord, AuditSummary, ChainCheck, Entry, Head, Stored};
use super::backend::{Ask, Backend, Settler};
use super::error::{LedgerError, Problem};
use super::head::AuditHead;
use super::reservation::{End, Guard, Settlement};
use super::verdict::judge;

/// How errors name the ledger.
const NAME: &str = "in memory";

/// Agent and policy: counters and keys are theirs alone.
type Scope = (String, String);

#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    scopes: HashMap<Scope, Totals>,
    /// By decision id.
    pub(super) reservations: HashMap<String, Reserved>,
    pub(super) audit: Vec<Stored>,
    pub(super) head: Option<Head>,
}

#[derive(Debug, Default)]
struct Totals {
    counters: HashMap<CounterKey, i64>,
    /// Idempotency keys, each with the decision that holds it.
    keys: HashMap<String, String>,
}

#[derive(Debug)]
pub(super) struct Reserved {
    scope: Scope,
    charges: Vec<Charge>,
    key: Option<String>,
    /// `pending` until it is settled.
    pub(super) state: &'static str,
}

impl Memory {
    /// A panic inside never leaves a state half changed: every change comes after all that can fail.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Memory {
    fn decide(&self, ask: Ask) -> BoxFuture<'_, Result<(Decision, Option<Guard>), LedgerError>> {
        async move {
            let decision = self.state().decide(ask).map_err(named)?;
            let guard = decision
                .allow
                .then(|| Guard::new(Box::new(self.clone()), decision.decision_id.to_string()));
            Ok((decision, guard))
        }
        .boxed()
    }

    fn refuse(&self, record: Value) -> BoxFuture<'_, Result<(), LedgerError>> {
        let appended = Entry::new("refusal", None, &record)
            .and_then(|entry| self.state().append(entry))
            .map_err(named);
        ready(appended).boxed()
    }

    fn verify(&self, kept: Option<AuditHead>) -> BoxFuture<'_, Result<AuditSummary, LedgerError>> {
        async move {
            let (records, head) = {
                let state = self.state();
                (state.audit.clone(), state.head())
            };
            let mut check = ChainCheck::new(kept);
            for record in records {
                check.record(record).map_err(named)?;
            }
            check.end(&head).map_err(named)
        }
        .boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<AuditHead, LedgerError>> {
        ready(self.state().head().public().map_err(named)).boxed()
    }

    #[cfg(feature = "cli")]
    fn settler(&self) -> Result<Box<dyn Settler>, LedgerError> {
        Ok(Box::new(self.clone()))
    }

    #[cfg(feature = "cli")]
    fn usage(
        &self,
        agent: String,
        policy: String,
        plan: UsagePlan,
    ) -> BoxFuture<'_, Result<Usage, LedgerError>> {
        ready(Ok(self.state().usage(&(agent, policy), &plan))).boxed()
    }

    fn records_of(
        &self,
        decision_id: String,
    ) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>> {
        let state = self.state();
        let records = state
            .audit
            .iter()
            .filter(|record| record.decision_id.as_ref() == Some(&decision_id))
            .map(|record| record.clone().read().map_err(named))
            .collect();
        ready(records).boxed()
    }

    fn records(
        &self,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>> {
        let state = self.state();
        let first = state
            .audit
            .partition_point(|record| record.sequence.unsigned_abs() <= after);
        let records = state
            .audit
            .iter()
            .skip(first)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|record| record.clone().read().map_err(named))
            .collect();
        ready(records).boxed()
    }
}

impl Settler for Memory {
    fn settle(&self, end: End) -> BoxFuture<'static, Result<(), LedgerError>> {
        ready(self.state().settle(&end).map_err(named)).boxed()
    }

    fn settle_unattended(&self, end: End) {
        if let Err(error) = self.state().settle(&end).map_err(named) {
            tracing::error!(%error, "an outcome was not recorded; its reservation stays pending");
        }
    }
}

impl State {
    fn decide(&mut self, ask: Ask) -> Result<Decision, Problem> {
        let Ask {
            agent,
            policy,
            plan,
            mut evaluate,
        } = ask;
        let scope = (agent, policy);
        let usage = self.usage(&scope, &plan);
        let verdict = judge(&mut evaluate, &usage)?;
        let decision_id = verdict.decision.decision_id.to_string();
        let entry = Entry::decision(&verdict)?;
        if verdict.decision.allow {
            let raised = self.raised(&scope, &verdict.charges)?;
            // Reservations stay here when they are settled.
            if self.reservations.contains_key(&decision_id) {
                return Err(Problem::DecisionTaken(decision_id));
            }
            if let Some(key) = &verdict.idempotency_key
                && self.holds(&scope, key)
            {
                return Err(Problem::KeyTaken(key.clone()));
            }
            self.append(entry)?;
            let totals = self.scopes.entry(scope.clone()).or_default();
            totals.counters.extend(raised);
            if let Some(key) = &verdict.idempotency_key {
                totals.keys.insert(key.clone(), decision_id.clone());
            }
            let reserved = Reserved {
                scope,
                charges: verdict.charges,
                key: verdict.idempotency_key,
                state: "pending",
            };
            self.reservations.insert(decision_id, reserved);
        } else {
            self.append(entry)?;
        }
        Ok(verdict.decision)
    }

    fn usage(&self, scope: &Scope, plan: &UsagePlan) -> Usage {
        let mut usage = Usage::default();
        for counter in &plan.counters {
            let total = self.total(scope, counter);
            usage.counters.insert(counter.clone(), total);
        }
        if let Some(key) = &plan.idempotency_key {
            usage.key_seen = self.holds(scope, key);
        }
        usage
    }

    fn total(&self, scope: &Scope, counter: &CounterKey) -> i64 {
        self.scopes
            .get(scope)
            .and_then(|totals| totals.counters.get(counter))
            .copied()
            .unwrap_or(0)
    }

    fn holds(&self, scope: &Scope, key: &str) -> bool {
        self.scopes
            .get(scope)
            .is_some_and(|totals| totals.keys.contains_key(key))
    }

    /// The totals after every charge, none of them stored yet. One counter may be charged twice.
    fn raised(
        &self,
        scope: &Scope,
        charges: &[Charge],
    ) -> Result<HashMap<CounterKey, i64>, Problem> {
        let mut raised = HashMap::new();
        for Charge { counter, amount } in charges {
            let before = raised
                .get(counter)
                .copied()
                .unwrap_or_else(|| self.total(scope, counter));
            // A negative charge would give room back without a release.
            let after = before
                .checked_add(*amount)
                .filter(|_| *amount >= 0)
                .ok_or_else(|| Problem::Overflow {
                    counter: counter.counter.clone(),
                    amount: *amount,
                    total: before,
                })?;
            raised.insert(counter.clone(), after);
        }
        Ok(raised)
    }

    fn settle(&mut self, end: &End) -> Result<(), Problem> {
        let entry = Entry::new("outcome", Some(&end.decision_id), &end.record())?;
        let not_pending = || Problem::NotPending(end.decision_id.clone());
        if self
            .reservations
            .get(&end.decision_id)
            .is_none_or(|reserved| reserved.state != "pending")
        {
            return Err(not_pending());
        }
        self.append(entry)?;
        let reserved = self
            .reservations
            .get_mut(&end.decision_id)
            .ok_or_else(not_pending)?;
        reserved.state = end.settlement.state();
        if end.settlement == Settlement::Release
            && let Some(totals) = self.scopes.get_mut(&reserved.scope)
        {
            for Charge { counter, amount } in &reserved.charges {
                if let Some(total) = totals.counters.get_mut(counter) {
                    *total = total.saturating_sub(*amount);
                }
            }
            if let Some(key) = &reserved.key {
                totals.keys.remove(key);
            }
        }
        Ok(())
    }

    fn append(&mut self, entry: Entry) -> Result<(), Problem> {
        let record = entry.behind(&self.head())?;
        self.head = Some(Head {
            sequence: record.sequence,
            hash: record.hash.clone(),
        });
        self.audit.push(record);
        Ok(())
    }

    fn head(&self) -> Head {
        self.head.clone().unwrap_or_else(Head::genesis)
    }
}

fn named(problem: Problem) -> LedgerError {
    problem.at(NAME)
}
