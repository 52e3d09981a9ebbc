//! A fresh store of each backend.

use crate::ledger::Ledger;
use crate::ledger::memory::{Memory, State};
use std::sync::Arc;

/// A store that several handles may be opened on.
pub(super) enum Scratch {
    Sqlite(tempfile::TempDir),
    Memory(Memory),
    #[cfg(feature = "postgres")]
    Postgres(String),
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

    #[cfg(feature = "postgres")]
    pub(super) async fn postgres() -> Option<Self> {
        aport_gate_test_postgres::database().map(Self::Postgres)
    }

    // Said by the tests that are there without the feature, too.
    #[cfg(not(feature = "postgres"))]
    pub(super) async fn postgres() -> Option<Self> {
        None
    }

    /// A new store of the same backend. The one before must not be used any more.
    pub(super) async fn another(&self) -> Self {
        match self {
            Self::Sqlite(_) => Self::sqlite().await,
            Self::Memory(_) => Self::memory().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => {
                aport_gate_test_postgres::query(url, "DROP SCHEMA aport_gate CASCADE");
                Some(Self::Postgres(url.clone()))
            }
        }
        .unwrap()
    }

    pub(super) async fn open(&self) -> Ledger {
        match self {
            Self::Sqlite(directory) => Ledger::open(&directory.path().join("ledger.db")).unwrap(),
            Self::Memory(memory) => Ledger {
                backend: Arc::new(memory.clone()),
            },
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => Ledger::connect(url, std::time::Duration::from_secs(20))
                .await
                .unwrap(),
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
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => drop(aport_gate_test_postgres::query(url, edit.sql)),
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
