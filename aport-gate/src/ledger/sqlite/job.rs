//! Writes that wait for the connection: what one does, and how its asker hears of it.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::error::{LedgerError, Problem};

/// A write in the queue. It shares its transaction with others, so its asker hears of it only
/// after the commit.
pub(super) trait Write: Send {
    /// Whether anybody still waits for it, where that matters.
    fn wanted(&self) -> bool;

    /// Does the work, inside a transaction of somebody else, and keeps what came of it. Tells
    /// whether it stands. Done again when that transaction fails.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Answers: with what `run` kept, or with the failure of the transaction.
    fn finish(self: Box<Self>, failure: Option<Problem>);
}

/// A write with an asker.
pub(super) struct Asked<T, U, W, F> {
    /// How errors name the ledger.
    pub(super) ledger: Arc<str>,
    pub(super) work: W,
    /// Makes the answer of what `work` gave, on the ledger's thread and after the commit.
    pub(super) answer: F,
    pub(super) reply: oneshot::Sender<Result<U, LedgerError>>,
    pub(super) skip_unwanted: bool,
    pub(super) outcome: Option<Result<T, Problem>>,
}

impl<T, U, W, F> Write for Asked<T, U, W, F>
where
    T: Send,
    U: Send,
    W: FnMut(&Connection) -> Result<T, Problem> + Send,
    F: FnOnce(T) -> U + Send,
{
    fn wanted(&self) -> bool {
        !(self.skip_unwanted && self.reply.is_closed())
    }

    fn run(&mut self, connection: &Connection) -> bool {
        let outcome = self.outcome.insert((self.work)(connection));
        outcome.is_ok()
    }

    fn finish(self: Box<Self>, failure: Option<Problem>) {
        let outcome = match failure {
            Some(problem) => Err(problem),
            None => self
                .outcome
                .unwrap_or_else(|| Err(Problem::Corrupt("a write was not tried".to_owned()))),
        };
        let result = outcome.map(self.answer);
        // An answer nobody receives is dropped here, and a reservation in it releases itself.
        drop(
            self.reply
                .send(result.map_err(|problem| problem.at(&self.ledger))),
        );
    }
}

/// A write that nobody waits for; a failure goes to the log.
pub(super) struct Told<W> {
    pub(super) ledger: Arc<str>,
    pub(super) work: W,
    pub(super) outcome: Option<Result<(), Problem>>,
}

impl<W> Write for Told<W>
where
    W: FnMut(&Connection) -> Result<(), Problem> + Send,
{
    fn wanted(&self) -> bool {
        true
    }

    fn run(&mut self, connection: &Connection) -> bool {
        self.outcome.insert((self.work)(connection)).is_ok()
    }

    fn finish(self: Box<Self>, failure: Option<Problem>) {
        let Self {
            ledger, outcome, ..
        } = *self;
        if let Some(problem) = failure.or_else(|| outcome?.err()) {
            let error = problem.at(&ledger);
            tracing::error!(%error, "an outcome was not recorded; its reservation stays pending");
        }
    }
}
