//! The ledger: durable usage counters, reservations, idempotency keys and the audit chain.
//!
//! Counters, keys and records change in one transaction, and transactions follow one another: two
//! processes never read the same total and both spend it.

mod audit;
mod backend;
mod error;
mod head;
#[cfg(any(test, feature = "testing"))]
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
mod reservation;
mod retention;
mod sqlite;
#[cfg(test)]
pub(super) mod tests;
mod verdict;

use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "cli")]
use aport_gate_oap::Usage;
use aport_gate_oap::UsagePlan;

use crate::span::{self, Stage};

pub use self::audit::{AuditRecord, AuditSummary};
use self::backend::{Ask, Backend};
pub use self::error::LedgerError;
pub use self::head::{AuditHead, InvalidAuditHead};
#[cfg(feature = "cli")]
pub(crate) use self::reservation::End;
#[cfg(feature = "registry")]
pub(crate) use self::reservation::OutcomeListener;
pub(crate) use self::reservation::{BodyOutcome, Reservation, Settlement};
pub use self::retention::{Pruned, Retention};
pub(crate) use self::verdict::{Evaluate, Recorded, Verdict};

/// A handle on one ledger. Clones share one connection.
///
/// Dropping the last clone, or the last reservation taken from it, waits until what was already
/// asked for is written.
#[derive(Clone, Debug)]
pub struct Ledger {
    backend: Arc<dyn Backend>,
}

impl Ledger {
    /// Opens the SQLite file at `path`; creates it and its directory when they are missing.
    ///
    /// One file is shared by every server process of a machine: a desktop runs one process per MCP
    /// client, and all of them must spend from the same daily cap.
    ///
    /// What the ledger acknowledged survives the death of the process (WAL, `synchronous=NORMAL`).
    /// A power cut may lose the last transactions, never their order.
    ///
    /// # Errors
    ///
    /// The directory cannot be written, the file is corrupt, belongs to another program, or was
    /// written by a newer version.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::open_with(path, Retention::default())
    }

    /// As [`Ledger::open`], with another retention: what is older is removed in small steps between
    /// decisions, about once an hour. Audit records stay.
    ///
    /// # Errors
    ///
    /// As [`Ledger::open`].
    pub fn open_with(path: &Path, retention: Retention) -> Result<Self, LedgerError> {
        Ok(Self {
            backend: Arc::new(sqlite::Sqlite::open(path, retention)?),
        })
    }

    /// Connects to the PostgreSQL database at `url` (`postgres://USER:PASSWORD@HOST:PORT/NAME`),
    /// shared by the servers of many machines; makes or updates its tables where its role may.
    ///
    /// `timeout` bounds connecting and every statement. `sslmode` is `disable`, `prefer`, `require`
    /// or `verify-full`, with `sslrootcert` naming a PEM file of authorities; without it,
    /// `verify-full`, and `prefer` for this machine. What the ledger acknowledged is committed.
    ///
    /// A database that is away is no error: calls are refused until it answers.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Misconfigured`] for what an operator has to repair: the URL, the password,
    /// the role's rights, certificates; [`LedgerError::NewerSchema`] when a newer version has
    /// changed the tables. No error shows the password.
    #[cfg(feature = "postgres")]
    pub async fn connect(url: &str, timeout: std::time::Duration) -> Result<Self, LedgerError> {
        Self::connect_with(url, timeout, Retention::default()).await
    }

    /// As [`Ledger::connect`], with another retention: what is older is removed in small steps
    /// between decisions, about once an hour, by whichever server asks first. Audit records stay.
    ///
    /// # Errors
    ///
    /// As [`Ledger::connect`].
    #[cfg(feature = "postgres")]
    pub async fn connect_with(
        url: &str,
        timeout: std::time::Duration,
        retention: Retention,
    ) -> Result<Self, LedgerError> {
        Ok(Self {
            backend: Arc::new(postgres::Postgres::open(url, timeout, retention).await?),
        })
    }

    /// Makes the tables and functions of a PostgreSQL ledger, or brings them up to date. Run it
    /// as the role that is to own them; servers then need far fewer rights.
    ///
    /// # Errors
    ///
    /// As [`Ledger::connect`], and [`LedgerError::Unreachable`] when the database is away.
    #[cfg(feature = "postgres")]
    pub async fn migrate(url: &str, timeout: std::time::Duration) -> Result<(), LedgerError> {
        postgres::Postgres::migrate(url, timeout).await
    }

    /// The SQL that [`Ledger::migrate`] runs on an empty database, for those who apply it with
    /// other tools.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn postgres_schema() -> String {
        postgres::schema()
    }

    /// A ledger in the memory of this process, for tests and benchmarks only.
    ///
    /// It **forgets every cap, key and record with its process**, and no other process shares it.
    /// Inside the process its guarantees are those of the other ledgers. No URL and no environment
    /// variable leads here, and it warns in the log when it is made.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn in_memory() -> Self {
        tracing::warn!(
            "this ledger is in memory: every cap and record is forgotten with the process; never serve with it"
        );
        Self {
            backend: Arc::new(memory::Memory::default()),
        }
    }

    /// Reads the plan's counters and key, evaluates, and records the decision with its charges, all
    /// in one transaction. Answers only after the commit.
    ///
    /// Dropping the future, at a deadline for one, gives back whatever it would have reserved.
    pub(crate) async fn decide(
        &self,
        agent: String,
        policy: String,
        plan: UsagePlan,
        evaluate: Evaluate,
    ) -> Result<Recorded, LedgerError> {
        let ask = Ask {
            agent,
            policy,
            plan,
            evaluate,
        };
        let began = std::time::Instant::now();
        let (decision, guard) = self.backend.decide(ask).await?;
        span::took(Stage::Ledger, began);
        let reservation = guard.map(|guard| Reservation::new(guard, Arc::clone(&self.backend)));
        Ok(Recorded {
            decision,
            reservation,
        })
    }

    /// Appends the record of a call that got no decision.
    pub(crate) async fn refuse(&self, record: serde_json::Value) -> Result<(), LedgerError> {
        self.backend.refuse(record).await
    }

    /// Checks every record of the audit chain, in one snapshot: decisions go on meanwhile.
    ///
    /// A chain rewritten from some record to its end, head included, is consistent with itself.
    /// Keep [`AuditSummary::head`] somewhere else to notice that.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Tampered`] names the first record that was edited, removed or moved.
    pub async fn verify(&self) -> Result<AuditSummary, LedgerError> {
        self.backend.verify(None).await
    }

    /// As [`Ledger::verify`], and the chain must hold the record that `kept` was the head of: a tail
    /// that was cut off, or a chain that was rewritten up to there, shows.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Tampered`] names the first record that was edited, removed or moved.
    pub async fn verify_against(&self, kept: AuditHead) -> Result<AuditSummary, LedgerError> {
        self.backend.verify(Some(kept)).await
    }

    /// Where the audit chain ends now, to be kept elsewhere. Checks nothing.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read.
    pub async fn head(&self) -> Result<AuditHead, LedgerError> {
        self.backend.head().await
    }

    /// The audit records of one decision, in order: the decision, then its outcome.
    ///
    /// # Errors
    ///
    /// As [`Ledger::records`].
    pub async fn records_of(&self, decision_id: &str) -> Result<Vec<AuditRecord>, LedgerError> {
        self.backend.records_of(decision_id.to_owned()).await
    }

    /// As [`Ledger::records_of`], quick enough for every request.
    #[cfg(feature = "cli")]
    pub(crate) async fn find(&self, decision_id: String) -> Result<Vec<AuditRecord>, LedgerError> {
        self.backend.find(decision_id).await
    }

    /// Settles a reservation that was detached, and writes the outcome record in the same
    /// transaction.
    #[cfg(feature = "cli")]
    pub(crate) async fn settle(&self, end: End) -> Result<(), LedgerError> {
        self.backend.settler()?.settle(end).await
    }

    /// Whether a decision could be written now; writes nothing.
    #[cfg(any(feature = "cli", feature = "http"))]
    pub(crate) async fn probe(&self) -> Result<(), LedgerError> {
        self.backend.probe().await
    }

    /// Whether there is a way to it now, as far as is known without asking.
    #[cfg(any(feature = "cli", feature = "http"))]
    pub(crate) fn is_connected(&self) -> bool {
        self.backend.is_connected()
    }

    /// Reads the plan's counters and key without taking anything.
    #[cfg(feature = "cli")]
    pub(crate) async fn usage(
        &self,
        agent: String,
        policy: String,
        plan: UsagePlan,
    ) -> Result<Usage, LedgerError> {
        self.backend.usage(agent, policy, plan).await
    }

    /// Copies the ledger to a new file at `target`, while decisions go on, and checks the audit chain
    /// of the copy. On Unix the copy is for its owner alone.
    ///
    /// The copy is a ledger as it was at one moment. Caps that were spent since are free again where
    /// a backup is put back; a head of the chain that was kept elsewhere tells.
    ///
    /// # Errors
    ///
    /// There is a file at `target` already, it cannot be written, or the chain does not hold.
    pub async fn backup(&self, target: &Path) -> Result<AuditSummary, LedgerError> {
        self.backend.backup(target.to_owned()).await
    }

    /// Removes at once what `retention` does not keep. Never a counter of an open window, never an
    /// audit record.
    ///
    /// # Errors
    ///
    /// The ledger cannot be written.
    pub async fn prune(&self, retention: Retention) -> Result<Pruned, LedgerError> {
        self.backend.prune(retention).await
    }

    /// At most `limit` audit records with a sequence above `after`, in order.
    ///
    /// # Errors
    ///
    /// The ledger cannot be read, or a record's body is not JSON any more.
    pub async fn records(&self, after: u64, limit: u32) -> Result<Vec<AuditRecord>, LedgerError> {
        self.backend.records(after, limit).await
    }
}
