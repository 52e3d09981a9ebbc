//! A fresh store of each backend.

use crate::ledger::Ledger;
use crate::ledger::memory::{Memory, State};
use std::sync::Arc;

/// A store that several handles may be opened on.
pub(super) enum Scratch {
    Sqlite(tempfile::TempDir),
    Memory(Memory),
}

/// One change behind the ledger's back, in the words of each store.
pub(super) struct Edit {
    pub(super) sql: &'static str,
    pub(super) memory: fn(&mut State),
}

impl Scratch {
    pub(super) async fn sqlite() -> Option<Self> {
        Some(Self::Sqlite(tempfile::tempdir().unwrap()))
    }

    pub(super) async fn memory() -> Option<Self> {
        Some(Self::Memory(Memory::default()))
    }

    /// A new store of the same backend.
    pub(super) async fn another(&self) -> Self {
        match self {
            Self::Sqlite(_) => Self::sqlite().await,
            Self::Memory(_) => Self::memory().await,
        }
        .unwrap()
    }

    pub(super) async fn open(&self) -> Ledger {
        match self {
            Self::Sqlite(directory) => Ledger::open(&directory.path().join("ledger.db")).unwrap(),
            Self::Memory(memory) => Ledger {
                backend: Arc::new(memory.clone()),
            },
        }
    }

    pub(super) async fn edit(&self, edit: &Edit) {
        match self {
            Self::Sqlite(directory) => {
                rusqlite::Connection::open(directory.path().join("ledger.db"))
                    .unwrap()
                    .execute_batch(edit.sql)
                    .unwrap();
            }
            Self::Memory(memory) => (edit.memory)(&mut memory.state()),
        }
    }
}

/// Makes one test of each behaviour for each backend named.
macro_rules! behaviours {
    ($($backend:ident)+: $behaviours:tt) => {
        $(behaviours!(@ $backend $behaviours);)+
    };
    (@ $backend:ident { $($behaviour:ident),+ $(,)? }) => {
        mod $backend {
            use crate::ledger::tests::Scratch;
            $(
                #[tokio::test]
                async fn $behaviour() {
                    // None when this machine has no server for it; the reason is printed.
                    if let Some(scratch) = Scratch::$backend().await {
                        super::$behaviour(scratch).await;
                    }
                }
            )+
        }
    };
}
pub(super) use behaviours;
