//! What only a ledger across a network has to withstand.

mod load;
mod lost;
mod rights;
mod round_trips;
mod start;
mod tls;
mod upkeep;

use std::time::Duration;

use aport_gate_test_postgres::{Proxy, database, query, server_url};

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

/// A database, and a ledger on it through a proxy.
struct Scene {
    /// Past the proxy.
    url: String,
    proxy: Proxy,
    ledger: Ledger,
}

impl Scene {
    async fn new() -> Option<Self> {
        Self::with_limit(LIMIT).await
    }

    async fn with_limit(limit: Duration) -> Option<Self> {
        let url = database()?;
        // A short limit is for the calls, not for making the tables on a busy machine.
        Ledger::migrate(&url, LIMIT).await.unwrap();
        let proxy = Proxy::in_front_of(&url);
        let ledger = Ledger::connect(&proxy.url(), limit).await.unwrap();
        Some(Self { url, proxy, ledger })
    }

    fn query(&self, sql: &str) -> Vec<String> {
        query(&self.url, sql)
    }

    /// What the counters of the database say.
    fn total(&self) -> i64 {
        let sum = self.query("SELECT coalesce(sum(total), 0) FROM counters");
        sum[0].parse().unwrap()
    }
}

/// Waits for something that comes by itself.
async fn until(mut there: impl AsyncFnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !there().await {
        assert!(std::time::Instant::now() < deadline, "it never came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn commit(recorded: Recorded) -> Result<(), LedgerError> {
    let mut reservation = recorded.reservation.expect("allowed");
    reservation.start();
    reservation
        .settle(BodyOutcome::Ok, Settlement::Commit)
        .await
}
