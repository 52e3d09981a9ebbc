//! Several steps in one round trip.
//!
//! One step is one statement, which is its own transaction. Several are sent together between
//! `BEGIN` and `COMMIT` without waiting for answers in between: they share one commit.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::{LocalBoxFuture, poll_fn};
use tokio_postgres::Error;

use super::super::audit::Entry;
use super::call::Call;
use super::failure::{self, Kind};
use super::job::{Asked, Reply, Settle};
use super::session::{Answer, Session};

/// Something to write.
pub(super) enum Step {
    Decide(Asked, Box<Call>),
    Settle(Settle),
    Refuse(Entry, Reply<()>),
}

/// What the ledger did with a step.
#[derive(Debug)]
pub(super) enum Done {
    Decided(Answer),
    /// The status that `settle` answered.
    Settled(String),
    /// It has nothing to tell.
    Silent,
}

/// Why a batch was not committed, or may not have been.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) kind: Kind,
    pub(super) problem: String,
}

/// Which end of a transaction a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transaction {
    /// The whole of it.
    Whole,
    /// It has begun already; commit it.
    Rest,
}

/// Writes all steps, or none of them. An answer `stale` has written nothing for its step.
pub(super) async fn write(
    session: &Session,
    steps: &[Step],
    transaction: Transaction,
    limit: Duration,
) -> Result<Vec<Done>, Failed> {
    let alone = steps.len() == 1 && transaction == Transaction::Whole;
    let mut sent: Vec<LocalBoxFuture<'_, Result<Done, Error>>> = Vec::with_capacity(steps.len());
    if !alone && transaction == Transaction::Whole {
        sent.push(statement(session, "BEGIN"));
    }
    let first = sent.len();
    sent.extend(steps.iter().map(|step| write_one(session, step)));
    if !alone {
        sent.push(statement(session, "COMMIT"));
    }
    let mut done = all(sent, limit).await?;
    done.truncate(first.saturating_add(steps.len()));
    Ok(done.split_off(first))
}

/// Begins a transaction that holds the turn to write, and reads for every question.
pub(super) async fn read<'a>(
    session: &Session,
    asked: impl IntoIterator<Item = &'a Asked>,
    limit: Duration,
) -> Result<Vec<Done>, Failed> {
    let mut sent = vec![statement(session, "BEGIN")];
    for Asked { question, .. } in asked {
        sent.push(Box::pin(async move {
            let (totals, key_seen) = session.read(question).await?;
            Ok(Done::Decided(Answer {
                status: String::new(),
                totals,
                key_seen,
                behind: None,
            }))
        }));
    }
    let mut done = all(sent, limit).await?;
    Ok(done.split_off(1))
}

pub(super) async fn roll_back(session: &Session, limit: Duration) -> Result<(), Failed> {
    all(vec![statement(session, "ROLLBACK")], limit).await?;
    Ok(())
}

fn statement<'a>(
    session: &'a Session,
    sql: &'static str,
) -> LocalBoxFuture<'a, Result<Done, Error>> {
    Box::pin(async move {
        session.client.batch_execute(sql).await?;
        Ok(Done::Silent)
    })
}

fn write_one<'a>(session: &'a Session, step: &'a Step) -> LocalBoxFuture<'a, Result<Done, Error>> {
    Box::pin(async move {
        match step {
            Step::Decide(asked, call) => {
                let answer = session.decide(&asked.question, call).await?;
                Ok(Done::Decided(answer))
            }
            Step::Settle(settle) => {
                let status = session
                    .settle(&settle.end, &settle.entry, settle.again)
                    .await?;
                Ok(Done::Settled(status))
            }
            Step::Refuse(entry, _) => {
                session.refuse(entry).await?;
                Ok(Done::Silent)
            }
        }
    })
}

/// Sends everything in order, then waits for all answers. The first failure is the cause of those
/// that follow it.
async fn all(
    sent: Vec<LocalBoxFuture<'_, Result<Done, Error>>>,
    limit: Duration,
) -> Result<Vec<Done>, Failed> {
    let answers = tokio::time::timeout(limit, in_order(sent))
        .await
        .map_err(|_| Failed {
            kind: Kind::Lost,
            problem: format!("no answer within {} ms", limit.as_millis()),
        })?;
    answers
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| Failed {
            kind: failure::kind(&error),
            problem: failure::text(&error),
        })
}

/// Polls in order, always: a statement is sent by its first poll, and `COMMIT` must be the last.
async fn in_order<T>(futures: Vec<LocalBoxFuture<'_, T>>) -> Vec<T> {
    enum Slot<F, T> {
        Waiting(F),
        Ready(Option<T>),
    }
    let mut slots: Vec<_> = futures.into_iter().map(Slot::Waiting).collect();
    poll_fn(move |context| {
        let mut waiting = false;
        for slot in &mut slots {
            if let Slot::Waiting(future) = slot {
                match Pin::new(future).poll(context) {
                    Poll::Ready(value) => *slot = Slot::Ready(Some(value)),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            return Poll::Pending;
        }
        let values = slots.iter_mut().filter_map(|slot| match slot {
            Slot::Ready(value) => value.take(),
            Slot::Waiting(_) => None,
        });
        Poll::Ready(values.collect())
    })
    .await
}
