//! The thread that owns the connection, and the queue of jobs to it.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::error::{LedgerError, Problem};
use super::super::retention::Retention;
use super::group;
use super::identity::Identity;
use super::job::{Asked, Told, Write};
use super::schema;
use super::upkeep::Upkeep;

enum Job {
    /// Shares a transaction with those that wait beside it.
    Write(Box<dyn Write>),
    /// Has the connection to itself.
    Alone(Box<dyn FnOnce(&mut Connection) + Send>),
}

/// After so many writes the thread moves what the WAL holds into the database: some 30 MB, a thousand writes of
/// seven pages. That waits for the disk, so it comes after the answer to a write and not before it.
const CHECKPOINT_EVERY: usize = 1024;

/// Owns the thread. Dropping it drains the queue and joins.
#[derive(Debug)]
pub(super) struct Worker {
    queue: Option<Queue>,
    thread: Option<JoinHandle<()>>,
    path: Arc<Path>,
}

/// Sends jobs. The thread lives as long as one queue does.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    jobs: mpsc::Sender<Job>,
    path: Arc<Path>,
    identity: Arc<Identity>,
}

impl Worker {
    pub(super) fn spawn(path: &Path, retention: Retention) -> Result<Self, LedgerError> {
        let mut connection = schema::open(path)?;
        let identity = Identity::of(path).map_err(|problem| problem.at(&name(path)))?;
        let identity = Arc::new(identity);
        let checked = Arc::clone(&identity);
        let mut upkeep = Upkeep::new(retention);
        let ledger = name(path);
        let path: Arc<Path> = Arc::from(path);
        let (jobs, inbox) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new()
            .name("aport-ledger".to_owned())
            .spawn(move || {
                let mut unmoved = 0;
                let mut next = None;
                while let Some(job) = next.take().or_else(|| inbox.recv().ok()) {
                    let written = match job {
                        Job::Alone(work) => {
                            let before = connection.total_changes();
                            work(&mut connection);
                            usize::from(connection.total_changes() != before)
                        }
                        Job::Write(first) => {
                            let (writes, after) = waiting(first, &inbox);
                            next = after;
                            group::write(&mut connection, &checked, writes)
                        }
                    };
                    if written == 0 {
                        continue;
                    }
                    upkeep.after_writes(&mut connection, &ledger);
                    unmoved += written;
                    if unmoved >= CHECKPOINT_EVERY {
                        unmoved = 0;
                        checkpoint(&connection, &ledger);
                    }
                }
            })
            .map_err(|error| stopped(&path, &error.to_string()))?;
        Ok(Self {
            queue: Some(Queue {
                jobs,
                path: Arc::clone(&path),
                identity,
            }),
            thread: Some(thread),
            path,
        })
    }

    pub(super) fn queue(&self) -> Result<&Queue, LedgerError> {
        self.queue
            .as_ref()
            .ok_or_else(|| stopped(&self.path, "it was closed"))
    }

    /// Reads on a connection and a thread of its own, after every job sent so far is done: a long
    /// read does not hold up decisions.
    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
    {
        self.queue()?.ask(|_| Ok(())).await?;
        let path = Arc::clone(&self.path);
        let (reply, answer) = oneshot::channel();
        std::thread::Builder::new()
            .name("aport-ledger-read".to_owned())
            .spawn(move || {
                let result = schema::open_reader(&path).and_then(|mut reader| work(&mut reader));
                // Nobody waits any more: there is nothing to undo after a read.
                let _ = reply.send(result.map_err(|problem| problem.at(&name(&path))));
            })
            .map_err(|error| stopped(&self.path, &error.to_string()))?;
        answer
            .await
            .unwrap_or_else(|_| Err(stopped(&self.path, "the reading thread ended early")))
    }
}

/// Moves what the WAL holds into the database, as far as no reader is in the way. What is left comes the next time.
fn checkpoint(connection: &Connection, ledger: &str) {
    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = moved {
        tracing::warn!(%error, ledger, "what was written was not moved into the database yet");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue = None;
        let Some(thread) = self.thread.take() else {
            return;
        };
        // A job may own the last handle; a thread cannot wait for itself.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!(path = %self.path.display(), "the ledger thread panicked");
        }
    }
}

/// The write that was received and those that wait behind it, up to the first job of another kind.
fn waiting(
    first: Box<dyn Write>,
    inbox: &mpsc::Receiver<Job>,
) -> (Vec<Box<dyn Write>>, Option<Job>) {
    let mut writes = vec![first];
    while writes.len() < group::MOST {
        match inbox.try_recv() {
            Ok(Job::Write(write)) => writes.push(write),
            Ok(other) => return (writes, Some(other)),
            Err(_) => break,
        }
    }
    (writes, None)
}

impl Queue {
    /// Has the connection to itself, and answers.
    pub(super) async fn ask<T, W>(&self, work: W) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let path = Arc::clone(&self.path);
        let identity = Arc::clone(&self.identity);
        let job = Job::Alone(Box::new(move |connection| {
            let result = identity.check().and_then(|()| work(connection));
            drop(reply.send(result.map_err(|problem| problem.at(&name(&path)))));
        }));
        self.send(job, answer).await
    }

    /// Does `work` in a transaction, and answers after its commit. It is queued by the call itself,
    /// and done even when nobody waits for the answer any more.
    pub(super) fn write<T, W>(
        &self,
        work: W,
    ) -> impl Future<Output = Result<T, LedgerError>> + use<T, W>
    where
        T: Send + 'static,
        W: FnMut(&Connection) -> Result<T, Problem> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Job::Write(Box::new(Asked {
            ledger: self.name(),
            work,
            answer: |done| done,
            reply,
            skip_unwanted: false,
            outcome: None,
        }));
        self.send(job, answer)
    }

    /// As [`Queue::write`], unless the caller is gone before its turn comes. `answer` makes the answer
    /// after the commit.
    pub(super) async fn write_while_wanted<T, U, W, F>(
        &self,
        work: W,
        answer: F,
    ) -> Result<U, LedgerError>
    where
        T: Send + 'static,
        U: Send + 'static,
        W: FnMut(&Connection) -> Result<T, Problem> + Send + 'static,
        F: FnOnce(T) -> U + Send + 'static,
    {
        let (reply, receive) = oneshot::channel();
        let job = Job::Write(Box::new(Asked {
            ledger: self.name(),
            work,
            answer,
            reply,
            skip_unwanted: true,
            outcome: None,
        }));
        self.send(job, receive).await
    }

    /// As [`Queue::write`], without an answer; a failure goes to the log. Never blocks.
    pub(super) fn tell<W>(&self, work: W)
    where
        W: FnMut(&Connection) -> Result<(), Problem> + Send + 'static,
    {
        let job = Job::Write(Box::new(Told {
            ledger: self.name(),
            work,
            outcome: None,
        }));
        if self.jobs.send(job).is_err() {
            tracing::error!(path = %self.path.display(), "the ledger thread is gone; the reservation stays pending");
        }
    }

    fn send<U>(
        &self,
        job: Job,
        answer: oneshot::Receiver<Result<U, LedgerError>>,
    ) -> impl Future<Output = Result<U, LedgerError>> + use<U> {
        let sent = self.jobs.send(job).is_ok();
        let path = Arc::clone(&self.path);
        async move {
            if !sent {
                return Err(stopped(&path, "it ended early"));
            }
            answer
                .await
                .unwrap_or_else(|_| Err(stopped(&path, "it ended before it answered")))
        }
    }

    fn name(&self) -> Arc<str> {
        name(&self.path).into()
    }
}

fn stopped(path: &Path, problem: &str) -> LedgerError {
    LedgerError::Stopped {
        ledger: name(path),
        problem: problem.to_owned(),
    }
}

/// How errors name the ledger.
fn name(path: &Path) -> String {
    path.display().to_string()
}
