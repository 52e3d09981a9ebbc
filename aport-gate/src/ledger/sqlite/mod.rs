//! The embedded ledger: one SQLite file, shared by every server process of a machine.
//!
//! A thread owns the connection. Writes that wait for it together share one `BEGIN IMMEDIATE` transaction, and are
//! answered after its commit.

mod backup;
mod chain;
mod counters;
mod decide;
mod group;
mod identity;
mod job;
mod migrations;
mod schema;
mod settle;
#[cfg(test)]
mod tests;
mod upkeep;
mod worker;

use std::path::{Path, PathBuf};

use aport_gate_oap::Decision;
#[cfg(feature = "cli")]
use aport_gate_oap::{Usage, UsagePlan};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

use self::worker::{Queue, Worker};
use super::audit::{AuditRecord, AuditSummary};
use super::backend::{Ask, Backend, Settler};
use super::error::LedgerError;
use super::head::AuditHead;
use super::reservation::{End, Guard};
use super::retention::{Pruned, Retention};

/// A handle on one file: one connection, owned by one thread.
#[derive(Debug)]
pub(super) struct Sqlite {
    worker: Worker,
    path: PathBuf,
}

impl Sqlite {
    pub(super) fn open(path: &Path, retention: Retention) -> Result<Self, LedgerError> {
        let worker = Worker::spawn(path, retention)?;
        Ok(Self {
            worker,
            path: path.to_owned(),
        })
    }
}

impl Backend for Sqlite {
    fn decide(
        &self,
        mut ask: Ask,
    ) -> BoxFuture<'_, Result<(Decision, Option<Guard>), LedgerError>> {
        async move {
            let queue = self.worker.queue()?;
            let guards = queue.clone();
            // Made on the worker, so that an answer nobody receives releases by itself.
            let guarded = move |decision: Decision| {
                let guard = decision
                    .allow
                    .then(|| Guard::new(Box::new(guards), decision.decision_id.to_string()));
                (decision, guard)
            };
            queue
                .write_while_wanted(move |ledger| decide::decide(ledger, &mut ask), guarded)
                .await
        }
        .boxed()
    }

    fn refuse(&self, record: Value) -> BoxFuture<'_, Result<(), LedgerError>> {
        async move {
            self.worker
                .queue()?
                .write(move |ledger| decide::refuse(ledger, &record))
                .await
        }
        .boxed()
    }

    fn verify(&self, kept: Option<AuditHead>) -> BoxFuture<'_, Result<AuditSummary, LedgerError>> {
        self.worker
            .read(move |connection| chain::verify(connection, kept))
            .boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<AuditHead, LedgerError>> {
        self.worker
            .read(|connection| chain::head(connection)?.public())
            .boxed()
    }

    fn records_of(
        &self,
        decision_id: String,
    ) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>> {
        self.worker
            .read(move |connection| chain::records_of(connection, &decision_id))
            .boxed()
    }

    // On the connection that is open: a thread and a connection of its own would cost more than
    // the decision.
    #[cfg(feature = "cli")]
    fn find(&self, decision_id: String) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>> {
        async move {
            self.worker
                .queue()?
                .ask(move |connection| chain::records_of(connection, &decision_id))
                .await
        }
        .boxed()
    }

    #[cfg(feature = "cli")]
    fn settler(&self) -> Result<Box<dyn Settler>, LedgerError> {
        Ok(Box::new(self.worker.queue()?.clone()))
    }

    #[cfg(any(feature = "cli", feature = "http"))]
    fn probe(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        async move {
            self.worker
                .queue()?
                .ask(|connection| {
                    let behavior = rusqlite::TransactionBehavior::Immediate;
                    let transaction = connection.transaction_with_behavior(behavior)?;
                    upkeep::refuse_pruned(&transaction, jiff::Timestamp::now())
                })
                .await
        }
        .boxed()
    }

    #[cfg(feature = "cli")]
    fn usage(
        &self,
        agent: String,
        policy: String,
        plan: UsagePlan,
    ) -> BoxFuture<'_, Result<Usage, LedgerError>> {
        self.worker
            .read(move |connection| {
                let snapshot = connection.transaction()?;
                upkeep::refuse_pruned(&snapshot, jiff::Timestamp::now())?;
                counters::read(&snapshot, &agent, &policy, &plan)
            })
            .boxed()
    }

    fn records(
        &self,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>> {
        self.worker
            .read(move |connection| chain::records(connection, after, limit))
            .boxed()
    }

    fn backup(&self, target: PathBuf) -> BoxFuture<'_, Result<AuditSummary, LedgerError>> {
        let database = self.path.clone();
        self.worker
            .read(move |_| backup::backup(&database, &target))
            .boxed()
    }

    fn prune(&self, retention: Retention) -> BoxFuture<'_, Result<Pruned, LedgerError>> {
        async move {
            let queue = self.worker.queue()?;
            let mut pruned = Pruned::default();
            // Each step is a job of its own: decisions come in between.
            loop {
                let now = jiff::Timestamp::now().as_second();
                let step = queue
                    .ask(move |connection| upkeep::step(connection, &retention, now))
                    .await?;
                pruned.add(step.pruned);
                if !step.more {
                    return Ok(pruned);
                }
            }
        }
        .boxed()
    }
}

impl Settler for Queue {
    fn settle(&self, end: End) -> BoxFuture<'static, Result<(), LedgerError>> {
        self.write(move |ledger| settle::settle(ledger, &end))
            .boxed()
    }

    fn settle_unattended(&self, end: End) {
        self.tell(move |ledger| settle::settle(ledger, &end));
    }
}
