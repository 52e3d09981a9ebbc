//! Group commit: writes that wait together share one transaction.
//!
//! All are answered after the one commit. Where one of them fails, or the transaction does, nothing of it stays and
//! each is done again in a transaction of its own, so that every asker hears of their own trouble only. Savepoints
//! would spare that and cost every write a copy of the pages that it shares with the ones before it.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::super::error::Problem;
use super::identity::Identity;
use super::job::Write;

/// Most writes in one transaction: other processes wait for the lock meanwhile.
pub(super) const MOST: usize = 64;

/// Does and answers all of them. Tells how many were still wanted.
pub(super) fn write(
    connection: &mut Connection,
    identity: &Identity,
    jobs: Vec<Box<dyn Write>>,
) -> usize {
    let mut jobs: Vec<_> = jobs.into_iter().filter(|job| job.wanted()).collect();
    let done = jobs.len();
    if done > 1 && identity.check().is_ok() && together(connection, &mut jobs) {
        for job in jobs {
            job.finish(None);
        }
        return done;
    }
    for mut job in jobs {
        let failure = identity
            .check()
            .and_then(|()| alone(connection, job.as_mut()))
            .err();
        job.finish(failure);
    }
    done
}

/// Whether all of it stands; else none of it does.
fn together(connection: &mut Connection, jobs: &mut [Box<dyn Write>]) -> bool {
    let Ok(transaction) = begin(connection) else {
        return false;
    };
    jobs.iter_mut().all(|job| job.run(&transaction)) && transaction.commit().is_ok()
}

fn alone(connection: &mut Connection, job: &mut dyn Write) -> Result<(), Problem> {
    let transaction = begin(connection)?;
    if job.run(&transaction) {
        transaction.commit()?;
    }
    Ok(())
}

/// Writers follow one another from the first read on: nobody decides by a total that another
/// process is about to change.
fn begin(connection: &mut Connection) -> Result<Transaction<'_>, Problem> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}
