//! The thread that owns the connection, and the queue of jobs to it.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::error::{LedgerError, Problem};
use super::super::retention::Retention;
use super::identity::Identity;
use super::schema;
use super::upkeep::Upkeep;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// After so many writes the thread moves what the WAL holds into the database: some 30 MB, a thousand writes of
/// seven pages. That waits for the disk, so it comes after the answer to a write and not before it.
const CHECKPOINT_EVERY: u32 = 1024;

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
        let mut upkeep = Upkeep::new(retention);
        let ledger = name(path);
        let path: Arc<Path> = Arc::from(path);
        let (jobs, inbox) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new()
            .name("aport-ledger".to_owned())
            .spawn(move || {
                let mut writes = 0;
                for job in inbox {
                    let before = connection.total_changes();
                    job(&mut connection);
                    if connection.total_changes() == before {
                        continue;
                    }
                    upkeep.after_writes(&mut connection, &ledger);
                    writes += 1;
                    if writes >= CHECKPOINT_EVERY {
                        writes = 0;
                        checkpoint(&connection, &ledger);
                    }
                }
            })
            .map_err(|error| stopped(&path, &error.to_string()))?;
        Ok(Self {
            queue: Some(Queue {
                jobs,
                path: Arc::clone(&path),
                identity: Arc::new(identity),
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

impl Queue {
    /// Runs `work` and answers. The work is done even when nobody waits for the answer any more.
    pub(super) async fn ask<T, W>(&self, work: W) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
    {
        self.ask_at_once(work).await
    }

    /// As [`Queue::ask`], but `work` is queued by the call itself: the future only waits.
    pub(super) fn ask_at_once<T, W>(
        &self,
        work: W,
    ) -> impl Future<Output = Result<T, LedgerError>> + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
    {
        self.enqueue(work, false)
    }

    /// Runs `work` unless the caller is gone before its turn comes.
    pub(super) async fn ask_while_wanted<T, W>(&self, work: W) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
    {
        self.enqueue(work, true).await
    }

    /// Runs `work` without an answer; a failure goes to the log. Never blocks.
    pub(super) fn tell<W>(&self, work: W)
    where
        W: FnOnce(&mut Connection) -> Result<(), Problem> + Send + 'static,
    {
        let path = Arc::clone(&self.path);
        let identity = Arc::clone(&self.identity);
        let job: Job = Box::new(move |connection| {
            if let Err(problem) = identity.check().and_then(|()| work(connection)) {
                let error = problem.at(&name(&path));
                tracing::error!(%error, "an outcome was not recorded; its reservation stays pending");
            }
        });
        if self.jobs.send(job).is_err() {
            tracing::error!(path = %self.path.display(), "the ledger thread is gone; the reservation stays pending");
        }
    }

    fn enqueue<T, W>(
        &self,
        work: W,
        skip_unwanted: bool,
    ) -> impl Future<Output = Result<T, LedgerError>> + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let path = Arc::clone(&self.path);
        let identity = Arc::clone(&self.identity);
        let job: Job = Box::new(move |connection| {
            if skip_unwanted && reply.is_closed() {
                return;
            }
            let result = identity.check().and_then(|()| work(connection));
            let result = result.map_err(|problem| problem.at(&name(&path)));
            // An answer nobody receives is dropped here, and a reservation in it releases itself.
            drop(reply.send(result));
        });
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
