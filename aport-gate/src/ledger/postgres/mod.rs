//! The shared ledger: one PostgreSQL database for the servers of many machines.
//!
//! Functions in the database change counters, keys and audit records in one transaction, under a
//! lock that all servers queue for. A server evaluates against what it knows and sends its decision
//! at once; the function records it only if that still holds.

mod apply;
mod batch;
mod call;
mod failure;
mod job;
mod known;
mod read;
mod schema;
pub(super) mod session;
pub(super) mod target;
pub(super) mod tls;
pub(super) mod upkeep;
mod writer;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
#[cfg(any(feature = "cli", feature = "http"))]
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use aport_gate_oap::Decision;
#[cfg(feature = "cli")]
use aport_gate_oap::{Usage, UsagePlan};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use self::call::Question;
use self::job::{Asked, Job, Queue};
use self::session::Session;
use self::target::Target;
use self::writer::Writer;
use super::audit::{AuditRecord, AuditSummary, Entry};
#[cfg(feature = "cli")]
use super::backend::Settler;
use super::backend::{Ask, Backend};
use super::error::LedgerError;
use super::head::AuditHead;
use super::reservation::Guard;
use super::retention::{Pruned, Retention};

/// A handle on one database. The connection for writing lives on a thread of its own, whatever
/// runtimes the callers come from.
pub(super) struct Postgres {
    // Dropped before the thread is waited for.
    queue: Option<Queue>,
    thread: Option<JoinHandle<()>>,
    target: Target,
    tls: MakeRustlsConnect,
    limit: Duration,
    #[cfg(any(feature = "cli", feature = "http"))]
    connected: Arc<AtomicBool>,
}

impl Postgres {
    /// # Errors
    /// What an operator has to repair. A database that is merely away is no error.
    pub(super) async fn open(
        url: &str,
        limit: Duration,
        retention: Retention,
    ) -> Result<Self, LedgerError> {
        let target = Target::parse(url, limit)?;
        let tls = tls::connector(&target)?;
        let (jobs, inbox) = mpsc::unbounded_channel();
        let (ready, started) = oneshot::channel();
        let mut writer = Writer::new(target.clone(), tls.clone(), limit, retention, inbox);
        let connected = Arc::<AtomicBool>::default();
        writer.connected = Arc::clone(&connected);
        let thread = spawn("aport-ledger", &target.name, async move || {
            serve(writer, ready).await;
        })?;
        let opened = Self {
            queue: Some(Queue::new(jobs, Arc::from(target.name.as_str()))),
            thread: Some(thread),
            target,
            tls,
            limit,
            #[cfg(any(feature = "cli", feature = "http"))]
            connected,
        };
        match started.await {
            Ok(Ok(())) => Ok(opened),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(opened.stopped()),
        }
    }

    /// Brings the schema up to date, as an owner.
    pub(super) async fn migrate(url: &str, limit: Duration) -> Result<(), LedgerError> {
        let target = Target::parse(url, limit)?;
        let tls = tls::connector(&target)?;
        let name = target.name.clone();
        on_own_thread(&name, async move || {
            let session = Session::connect(&target, &tls, limit).await?;
            schema::migrate(&session.client, &target.name).await?;
            session.close().await;
            Ok(())
        })
        .await
    }

    fn queue(&self) -> Result<&Queue, LedgerError> {
        self.queue.as_ref().ok_or_else(|| self.stopped())
    }

    fn stopped(&self) -> LedgerError {
        stopped(&self.target.name, "it ended early")
    }

    /// Works in a session of its own, after everything asked for so far is written.
    async fn apart<T, W>(&self, work: W) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        W: AsyncFnOnce(&Client, &str) -> Result<T, LedgerError> + Send + 'static,
    {
        self.queue()?.ask(Job::Flush).await?;
        let (target, tls, limit) = (self.target.clone(), self.tls.clone(), self.limit);
        let name = target.name.clone();
        on_own_thread(&name, async move || {
            let session = Session::connect(&target, &tls, limit).await?;
            let result = work(&session.client, &target.name).await;
            session.close().await;
            result
        })
        .await
    }
}

impl Backend for Postgres {
    fn decide(&self, ask: Ask) -> BoxFuture<'_, Result<(Decision, Option<Guard>), LedgerError>> {
        async move {
            let queue = self.queue()?;
            let asked = |reply| {
                Job::Decide(Asked {
                    question: Question::new(ask),
                    queue: queue.clone(),
                    reply,
                })
            };
            queue.ask(asked).await
        }
        .boxed()
    }

    fn refuse(&self, record: Value) -> BoxFuture<'_, Result<(), LedgerError>> {
        async move {
            let entry = Entry::new("refusal", None, &record)
                .map_err(|problem| problem.at(&self.target.name))?;
            self.queue()?.ask(|reply| Job::Refuse(entry, reply)).await
        }
        .boxed()
    }

    fn verify(&self, kept: Option<AuditHead>) -> BoxFuture<'_, Result<AuditSummary, LedgerError>> {
        self.apart(async move |client: &Client, ledger: &str| {
            read::verify(client, ledger, kept).await
        })
        .boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<AuditHead, LedgerError>> {
        self.apart(async |client: &Client, ledger: &str| {
            let head = read::head(client, ledger).await?;
            head.public().map_err(|problem| problem.at(ledger))
        })
        .boxed()
    }

    // In the session that is open: a session of its own would cost more than the decision.
    #[cfg(feature = "cli")]
    fn find(&self, decision_id: String) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>> {
        async move {
            self.queue()?
                .ask(|reply| Job::Find(decision_id, reply))
                .await
        }
        .boxed()
    }

    #[cfg(any(feature = "cli", feature = "http"))]
    fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    #[cfg(feature = "cli")]
    fn settler(&self) -> Result<Box<dyn Settler>, LedgerError> {
        Ok(self.queue()?.settler())
    }

    #[cfg(feature = "cli")]
    fn usage(
        &self,
        agent: String,
        policy: String,
        plan: UsagePlan,
    ) -> BoxFuture<'_, Result<Usage, LedgerError>> {
        self.apart(async move |client: &Client, ledger: &str| {
            read::usage(client, ledger, &agent, &policy, plan).await
        })
        .boxed()
    }

    fn records_of(
        &self,
        decision_id: String,
    ) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>> {
        self.apart(async move |client: &Client, ledger: &str| {
            read::records_of(client, ledger, &decision_id).await
        })
        .boxed()
    }

    fn records(
        &self,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<AuditRecord>, LedgerError>> {
        self.apart(async move |client: &Client, ledger: &str| {
            read::records(client, ledger, after, limit).await
        })
        .boxed()
    }

    fn prune(&self, retention: Retention) -> BoxFuture<'_, Result<Pruned, LedgerError>> {
        self.apart(async move |client: &Client, ledger: &str| {
            upkeep::prune(client, ledger, retention).await
        })
        .boxed()
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The default methods of the trait name a ledger this way.
        formatter.write_str(&self.target.name)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.queue = None;
        let Some(thread) = self.thread.take() else {
            return;
        };
        // A job may own the last handle; a thread cannot wait for itself.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!(ledger = %self.target.name, "the ledger thread panicked");
        }
    }
}

/// The schema as one script.
pub(super) fn schema() -> String {
    schema::script()
}

/// Tells how the start went, and serves unless the operator has to repair something first.
async fn serve(mut writer: Writer, ready: oneshot::Sender<Result<(), LedgerError>>) {
    match writer.connect().await {
        Ok(()) | Err(LedgerError::Unreachable { .. }) => {}
        Err(error) => return drop(ready.send(Err(error))),
    }
    if ready.send(Ok(())).is_ok() {
        writer.run().await;
    }
}

async fn on_own_thread<T, W>(ledger: &str, work: W) -> Result<T, LedgerError>
where
    T: Send + 'static,
    W: AsyncFnOnce() -> Result<T, LedgerError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    spawn("aport-ledger-read", ledger, async move || {
        // Nobody waits any more: there is nothing to undo after a read.
        drop(reply.send(work().await));
    })?;
    answer
        .await
        .unwrap_or_else(|_| Err(stopped(ledger, "the thread ended early")))
}

/// Runs on a thread and a runtime of its own.
fn spawn<W>(name: &str, ledger: &str, work: W) -> Result<JoinHandle<()>, LedgerError>
where
    W: AsyncFnOnce() + Send + 'static,
{
    let failed = |error: std::io::Error| stopped(ledger, &error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || runtime.block_on(work()))
        .map_err(failed)
}

fn stopped(ledger: &str, problem: &str) -> LedgerError {
    LedgerError::Stopped {
        ledger: ledger.to_owned(),
        problem: problem.to_owned(),
    }
}
