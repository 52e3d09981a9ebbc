//! Where a gate keeps its ledger.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ledger::{Ledger, LedgerError, Retention};

/// A place to open.
#[derive(Debug)]
pub(crate) enum LedgerPlace {
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    #[cfg(feature = "postgres")]
    Postgres(PostgresUrl),
    /// The memory of this process.
    #[cfg(any(test, feature = "testing"))]
    Memory,
}

/// A URL with a password in it: it shows nothing of itself.
#[cfg(feature = "postgres")]
pub(crate) struct PostgresUrl(String);

impl LedgerPlace {
    /// # Errors
    /// What is wrong, without a part of the URL: it may hold a password.
    pub(crate) fn from_url(url: &str) -> Result<Self, String> {
        match url.split_once(':') {
            Some(("sqlite", path)) if path.starts_with('~') => {
                Err("begins with `~`, which only a shell expands; write the whole path".to_owned())
            }
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            #[cfg(feature = "postgres")]
            Some(("postgres" | "postgresql", _)) => Ok(Self::postgres(url)),
            #[cfg(not(feature = "postgres"))]
            Some(("postgres" | "postgresql", _)) => Err(
                "names a PostgreSQL database; build with the feature `postgres` of aport-gate"
                    .to_owned(),
            ),
            _ => Err("must be `sqlite:PATH` or `postgres://…`".to_owned()),
        }
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn postgres(url: impl Into<String>) -> Self {
        Self::Postgres(PostgresUrl(url.into()))
    }

    pub(crate) fn in_home(home: &Path) -> Self {
        Self::File(home.join("ledger.sqlite3"))
    }

    /// `timeout` bounds what a database may take.
    pub(crate) async fn open(
        &self,
        timeout: Duration,
        retention: Retention,
    ) -> Result<Ledger, LedgerError> {
        #[cfg(not(feature = "postgres"))]
        let _ = timeout;
        match self {
            Self::File(path) => Ledger::open_with(path, retention),
            #[cfg(feature = "postgres")]
            Self::Postgres(PostgresUrl(url)) => Ledger::connect_with(url, timeout, retention).await,
            #[cfg(any(test, feature = "testing"))]
            Self::Memory => Ok(Ledger::in_memory()),
        }
    }
}

impl fmt::Display for LedgerPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => fmt::Debug::fmt(url, formatter),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory => formatter.write_str("in memory"),
        }
    }
}

#[cfg(all(feature = "cli", feature = "postgres"))]
impl PostgresUrl {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "postgres")]
impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("postgres://…")
    }
}
