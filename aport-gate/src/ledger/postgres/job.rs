//! What callers ask of the writer.

use std::sync::Arc;

use aport_gate_oap::Decision;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

#[cfg(feature = "cli")]
use super::super::audit::AuditRecord;
use super::super::audit::Entry;
use super::super::backend::Settler;
use super::super::error::{LedgerError, Problem};
use super::super::reservation::{End, Guard};
use super::call::Question;
use super::known::RowId;

pub(super) type Reply<T> = oneshot::Sender<Result<T, LedgerError>>;

pub(super) enum Job {
    Decide(Asked),
    Settle(Settle),
    Refuse(Entry, Reply<()>),
    /// Answers once everything before it is done.
    Flush(Reply<()>),
    /// The audit records of a decision, once everything before it is done.
    #[cfg(feature = "cli")]
    Find(String, Reply<Vec<AuditRecord>>),
}

impl Job {
    /// Whether it changes the ledger.
    pub(super) fn writes(&self) -> bool {
        matches!(self, Self::Decide(_) | Self::Settle(_) | Self::Refuse(..))
    }
}

/// A question and who waits for its answer.
pub(super) struct Asked {
    pub(super) question: Question,
    /// For the guard of an allow.
    pub(super) queue: Queue,
    pub(super) reply: Reply<(Decision, Option<Guard>)>,
}

/// The end of a reservation, until the ledger has it.
pub(super) struct Settle {
    pub(super) end: End,
    pub(super) entry: Entry,
    pub(super) taken: Arc<Taken>,
    /// An earlier try may have reached the ledger.
    pub(super) again: bool,
    /// None when nobody waits, or nobody waits any more.
    pub(super) reply: Option<Reply<()>>,
}

/// What a reservation holds.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) charges: Vec<(RowId, i64)>,
    pub(super) key_id: Option<RowId>,
}

/// Sends jobs to the writer. It runs as long as one queue does.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    jobs: mpsc::UnboundedSender<Job>,
    ledger: Arc<str>,
}

impl Queue {
    pub(super) fn new(jobs: mpsc::UnboundedSender<Job>, ledger: Arc<str>) -> Self {
        Self { jobs, ledger }
    }

    /// Queues the job and waits for its answer.
    pub(super) async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).map_err(|_| self.stopped())?;
        answer.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    fn stopped(&self) -> LedgerError {
        LedgerError::Stopped {
            ledger: self.ledger.to_string(),
            problem: "it ended early".to_owned(),
        }
    }

    /// Settles what others reserved: the database knows what was taken, and what this process
    /// remembers of the counters is found stale at its next use.
    #[cfg(feature = "cli")]
    pub(super) fn settler(&self) -> Box<dyn Settler> {
        Box::new(Settles {
            queue: self.clone(),
            taken: Arc::default(),
        })
    }

    pub(super) fn guard(&self, decision_id: &str, taken: Taken) -> Guard {
        let settler = Settles {
            queue: self.clone(),
            taken: Arc::new(taken),
        };
        Guard::new(Box::new(settler), decision_id.to_owned())
    }
}

struct Settles {
    queue: Queue,
    taken: Arc<Taken>,
}

impl Settles {
    fn queue(&self, end: End, reply: Option<Reply<()>>) -> Result<(), LedgerError> {
        let settle = Settle::new(end, Arc::clone(&self.taken), reply)
            .map_err(|problem| problem.at(&self.queue.ledger))?;
        let sent = self.queue.jobs.send(Job::Settle(settle));
        sent.map_err(|_| self.queue.stopped())
    }
}

impl Settle {
    pub(super) fn new(
        end: End,
        taken: Arc<Taken>,
        reply: Option<Reply<()>>,
    ) -> Result<Self, Problem> {
        Ok(Self {
            entry: Entry::new("outcome", Some(&end.decision_id), &end.record())?,
            end,
            taken,
            again: false,
            reply,
        })
    }
}

impl Settler for Settles {
    fn settle(&self, end: End) -> BoxFuture<'static, Result<(), LedgerError>> {
        let (reply, answer) = oneshot::channel();
        let queued = self.queue(end, Some(reply));
        let stopped = self.queue.stopped();
        async move {
            queued?;
            answer.await.unwrap_or(Err(stopped))
        }
        .boxed()
    }

    fn settle_unattended(&self, end: End) {
        if let Err(error) = self.queue(end, None) {
            tracing::error!(%error, "an outcome was not recorded; its reservation stays pending");
        }
    }
}
