//! The one task that writes: it gathers what callers ask, and keeps the connection up.
//!
//! Writes to a ledger follow one another anyway, because the audit chain has one end. So a process
//! needs one connection for them, and what arrives while one batch is under way shares the next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::error::LedgerError;
use super::super::retention::Retention;
use super::job::{Job, Settle};
use super::known::Known;
use super::session::Session;
use super::target::Target;
use super::upkeep::Upkeep;

/// Most jobs that share one commit.
const BATCH: usize = 64;

/// Pause after a failure to connect; doubled by each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Settlements kept for a ledger that is away. Those beyond stay pending, which keeps caps taken.
const MOST_UNSETTLED: usize = 100_000;

pub(super) struct Writer {
    pub(super) target: Target,
    pub(super) tls: MakeRustlsConnect,
    /// Longest time for one batch, and for connecting.
    pub(super) limit: Duration,
    inbox: mpsc::UnboundedReceiver<Job>,
    pub(super) session: Option<Session>,
    pub(super) known: Known,
    /// Ends of reservations that the ledger does not have yet, oldest first.
    pub(super) unsettled: VecDeque<Settle>,
    upkeep: Upkeep,
    retry_at: Instant,
    pause: Duration,
    /// What the last try to connect met.
    why: String,
    /// Whether the last try failed.
    away: bool,
    /// For whoever watches: whether there is a session.
    pub(super) connected: Arc<AtomicBool>,
}

impl Writer {
    pub(super) fn new(
        target: Target,
        tls: MakeRustlsConnect,
        limit: Duration,
        retention: Retention,
        inbox: mpsc::UnboundedReceiver<Job>,
    ) -> Self {
        Self {
            target,
            tls,
            limit,
            inbox,
            session: None,
            known: Known::default(),
            unsettled: VecDeque::new(),
            upkeep: Upkeep::new(retention),
            retry_at: Instant::now(),
            pause: FIRST_PAUSE,
            why: "there was no try yet".to_owned(),
            away: false,
            connected: Arc::default(),
        }
    }

    /// Serves until every queue is gone and everything asked for is written, or given up.
    pub(super) async fn run(mut self) {
        #[expect(
            clippy::large_enum_variant,
            reason = "it lives for one turn of the loop"
        )]
        enum Wake {
            Job(Option<Job>),
            Ended,
            Retry,
        }
        loop {
            let idle = self.session.is_some() && self.unsettled.is_empty();
            let wake = tokio::select! {
                biased;
                job = self.inbox.recv() => Wake::Job(job),
                () = ended(&mut self.session) => Wake::Ended,
                () = tokio::time::sleep_until(self.retry_at), if !idle => Wake::Retry,
            };
            match wake {
                Wake::Job(Some(job)) => {
                    let jobs = self.gather(job);
                    self.serve(jobs).await;
                }
                Wake::Job(None) => break,
                Wake::Ended => self.lose(),
                Wake::Retry => {
                    if self.connect().await.is_ok() {
                        self.settle_unsettled().await;
                    }
                }
            }
        }
        self.finish().await;
    }

    /// Has a session, or says why not.
    pub(super) async fn connect(&mut self) -> Result<(), LedgerError> {
        if self
            .session
            .as_ref()
            .is_some_and(|session| !session.has_ended())
        {
            return Ok(());
        }
        self.lose();
        match Session::open(&self.target, &self.tls, self.limit).await {
            Ok(session) => {
                if self.away {
                    tracing::info!(ledger = %self.target.name, "the ledger answers again");
                }
                self.away = false;
                self.session = Some(session);
                self.connected.store(true, Ordering::Relaxed);
                self.pause = FIRST_PAUSE;
                Ok(())
            }
            Err(error) => {
                let why = match &error {
                    LedgerError::Unreachable { problem, .. } => problem.clone(),
                    other => other.to_string(),
                };
                // Once an outage, and again when its reason changes.
                if !self.away || why != self.why {
                    tracing::warn!(%error, "no connection to the ledger; calls are refused");
                }
                self.away = true;
                self.why = why;
                self.retry_at = Instant::now() + self.pause;
                self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
                Err(error)
            }
        }
    }

    /// Gives the session up. The next one is tried at once.
    pub(super) fn lose(&mut self) {
        if let Some(session) = self.session.take() {
            session.abandon();
            self.connected.store(false, Ordering::Relaxed);
            self.retry_at = Instant::now();
        }
        // Others may write while nobody listens here.
        self.known.forget();
    }

    /// Keeps the end of a reservation until the ledger has it.
    pub(super) fn keep(&mut self, mut settle: Settle) {
        settle.reply = None;
        if self.unsettled.len() < MOST_UNSETTLED {
            self.unsettled.push_back(settle);
        } else {
            tracing::error!(
                decision_id = settle.end.decision_id,
                "too many outcomes wait for the ledger; this reservation stays pending"
            );
        }
    }

    fn gather(&mut self, job: Job) -> Vec<Job> {
        let mut jobs = vec![job];
        while jobs.len() < BATCH
            && let Ok(job) = self.inbox.try_recv()
        {
            jobs.push(job);
        }
        jobs
    }

    async fn serve(&mut self, jobs: Vec<Job>) {
        let up = self
            .session
            .as_ref()
            .is_some_and(|session| !session.has_ended());
        if !up {
            self.lose();
        }
        // A session that broke since is replaced before anything is refused.
        if !up && Instant::now() >= self.retry_at {
            // The reason of a failure is kept in `why`.
            let _ = self.connect().await;
        }
        if self.session.is_none() {
            self.refuse_all(jobs);
            return;
        }
        // What was taken from the caps before comes first.
        self.settle_unsettled().await;
        let writes = jobs.iter().any(Job::writes);
        self.apply(jobs).await;
        // After writes only: a command that looks into the ledger prunes nothing.
        if writes
            && self.upkeep.is_due()
            && let Some(session) = &self.session
        {
            self.upkeep.look(&session.client, &self.target.name).await;
        }
    }

    async fn settle_unsettled(&mut self) {
        while !self.unsettled.is_empty() && self.session.is_some() {
            let many = self.unsettled.len().min(BATCH);
            let jobs: Vec<_> = self.unsettled.drain(..many).map(Job::Settle).collect();
            let left = self.unsettled.len();
            self.apply(jobs).await;
            if self.unsettled.len() > left {
                // Some came back: not now.
                self.retry_at = Instant::now() + self.pause;
                break;
            }
        }
    }

    fn refuse_all(&mut self, jobs: Vec<Job>) {
        let unreachable = || LedgerError::Unreachable {
            ledger: self.target.name.clone(),
            problem: self.why.clone(),
        };
        let mut ends = Vec::new();
        for job in jobs {
            // Nobody waits any more: there is nobody to tell.
            match job {
                Job::Decide(asked) => drop(asked.reply.send(Err(unreachable()))),
                Job::Refuse(_, reply) | Job::Flush(reply) => drop(reply.send(Err(unreachable()))),
                #[cfg(feature = "cli")]
                Job::Find(_, reply) => drop(reply.send(Err(unreachable()))),
                Job::Settle(mut settle) => {
                    if let Some(reply) = settle.reply.take() {
                        drop(reply.send(Err(unreachable())));
                    }
                    ends.push(settle);
                }
            }
        }
        for settle in ends {
            self.keep(settle);
        }
    }

    /// Writes what is left, for no longer than a decision may take.
    async fn finish(mut self) {
        let deadline = Instant::now() + self.limit;
        while !self.unsettled.is_empty() && Instant::now() < deadline {
            if self.connect().await.is_ok() {
                self.settle_unsettled().await;
            }
            if !self.unsettled.is_empty() {
                tokio::time::sleep(self.pause).await;
            }
        }
        if !self.unsettled.is_empty() {
            tracing::error!(ledger = %self.target.name, reservations = self.unsettled.len(),
                "the ledger is away; these reservations stay pending, and their caps taken");
        }
        if let Some(session) = self.session.take() {
            session.close().await;
        }
    }
}

async fn ended(session: &mut Option<Session>) {
    match session {
        Some(session) => session.ended().await,
        None => std::future::pending().await,
    }
}
