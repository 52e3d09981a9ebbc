//! The set in force, and its exchange when the files change.
//!
//! The files are looked at by calls, not by a thread: a server that nobody calls does nothing. A
//! look reads all of them and compares bytes, at most once in [`LOOK_EVERY`]; between looks a call
//! pays a clock reading and a reference count.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::folder::Snapshot;
use super::set::{Given, PackSet};
use crate::error::Result;

/// A change counts for every call that begins later than this after it.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often a set that changes while it is read is read again before it waits for the next look.
const READS: usize = 3;

pub(crate) struct PackStore {
    home: PathBuf,
    given: Given,
    every: Duration,
    began: Instant,
    /// Nanoseconds after `began` from which on a call has to look.
    due: AtomicU64,
    /// What the last look saw, if it was a whole. Held while looking.
    seen: Mutex<Option<Snapshot>>,
    current: RwLock<Current>,
}

#[derive(Clone)]
struct Current {
    set: Arc<PackSet>,
    problem: Option<Arc<str>>,
}

impl PackStore {
    /// # Errors
    /// Anything wrong with any pack or option: a gate does not start on half a set.
    pub(crate) fn open(home: PathBuf, given: Given, every: Duration) -> Result<Self> {
        let seen = Snapshot::read(&home);
        let set = PackSet::load(&home, &given, &seen)?;
        set.announce();
        let store = Self {
            home,
            given,
            every,
            began: Instant::now(),
            due: AtomicU64::new(0),
            seen: Mutex::new(Some(seen)),
            current: RwLock::new(Current {
                set: Arc::new(set),
                problem: None,
            }),
        };
        store.wait_from(store.elapsed());
        Ok(store)
    }

    /// The set that a call beginning now decides by.
    pub(crate) fn current(&self) -> Arc<PackSet> {
        self.look_when_due();
        self.read().set
    }

    /// Why the files as they are now are not in force, if they are not.
    pub(crate) fn problem(&self) -> Option<Arc<str>> {
        self.look_when_due();
        self.read().problem
    }

    fn look_when_due(&self) {
        if self.elapsed() < self.due.load(Ordering::Acquire) {
            return;
        }
        // Whoever comes while another looks waits for the outcome: the delay is promised to all.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.elapsed();
        if now < self.due.load(Ordering::Acquire) {
            return;
        }
        self.look(&mut seen);
        // Counted from before the look: a change during it may have been missed.
        self.wait_from(now);
    }

    fn look(&self, seen: &mut Option<Snapshot>) {
        let mut latest = Snapshot::read(&self.home);
        if seen.as_ref() == Some(&latest) {
            return;
        }
        // One file of several may be written at this moment. Only what is the same twice is a set.
        let mut still = false;
        for _ in 0..READS {
            let again = Snapshot::read(&self.home);
            still = again == latest;
            latest = again;
            if still {
                break;
            }
        }
        let current = self.read();
        if !still {
            *seen = None;
            self.keep(current.set, "the files change while they are read");
            return;
        }
        match PackSet::load(&self.home, &self.given, &latest) {
            Ok(set) => {
                tracing::info!("the packs changed; the new set is in force");
                set.announce();
                self.write(Current {
                    set: Arc::new(set),
                    problem: None,
                });
            }
            // Removing a pack takes effect whatever else is wrong: it only narrows.
            Err(error) => self.keep(
                Arc::new(current.set.without_removed(&latest)),
                &error.to_string(),
            ),
        }
        *seen = Some(latest);
    }

    fn keep(&self, set: Arc<PackSet>, problem: &str) {
        tracing::error!(
            problem,
            "the changed packs are NOT in force; the last good set stays"
        );
        self.write(Current {
            set,
            problem: Some(problem.into()),
        });
    }

    fn read(&self) -> Current {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn write(&self, current: Current) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn wait_from(&self, now: u64) {
        let every = u64::try_from(self.every.as_nanos()).unwrap_or(u64::MAX);
        self.due.store(now.saturating_add(every), Ordering::Release);
    }
}
