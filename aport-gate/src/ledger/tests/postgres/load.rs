//! Many callers while the server suffers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};

use aport_gate_test_postgres::{Options, Server};

use super::*;

const CAP: i64 = 400;

/// What callers saw.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    /// Bodies that ran.
    ran: AtomicI64,
    refused: AtomicI64,
    denied: AtomicI64,
}

/// Spends one at a time until it is denied or told to stop; a body runs for every allow.
async fn call(ledger: Ledger, seen: Arc<Seen>) {
    while !seen.stop.load(Ordering::SeqCst) {
        match try_spend(&ledger, 1, CAP, None).await {
            Ok(Recorded {
                reservation: Some(mut reservation),
                ..
            }) => {
                reservation.start();
                seen.ran.fetch_add(1, Ordering::SeqCst);
                // An outcome that cannot be recorded yet is recorded later.
                let _ = reservation
                    .settle(BodyOutcome::Ok, Settlement::Commit)
                    .await;
            }
            Ok(_) => {
                seen.denied.fetch_add(1, Ordering::SeqCst);
                return;
            }
            Err(_) => {
                seen.refused.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

/// Two servers, eight callers each, until the cap is spent; `disturb` happens meanwhile.
async fn spend_cap_while(url: &str, disturb: impl FnOnce(&Seen) + Send + 'static) -> Arc<Seen> {
    let seen = Arc::new(Seen::default());
    let ledgers = [
        Ledger::connect(url, Duration::from_secs(5)).await.unwrap(),
        Ledger::connect(url, Duration::from_secs(5)).await.unwrap(),
    ];
    let calls: Vec<_> = (0..16)
        .map(|number| tokio::spawn(call(ledgers[number % 2].clone(), Arc::clone(&seen))))
        .collect();
    let disturbed = Arc::clone(&seen);
    let disturbing = tokio::task::spawn_blocking(move || disturb(&disturbed));
    disturbing.await.unwrap();
    let all = futures::future::join_all(calls);
    tokio::time::timeout(Duration::from_secs(120), all)
        .await
        .expect("the ledger recovers by itself");
    // Every reservation that was lost on the way is settled in the end.
    until(async || query(url, "SELECT 1 FROM reservations WHERE state = 'pending'").is_empty())
        .await;
    let ran = seen.ran.load(Ordering::SeqCst);
    assert!(ran <= CAP, "{ran} bodies ran, the cap is {CAP}");
    let committed = query(
        url,
        "SELECT count(*) FROM reservations WHERE state = 'committed'",
    );
    assert_eq!(committed, [ran.to_string()], "each body has its record");
    assert_eq!(
        query(url, "SELECT sum(total) FROM counters"),
        [ran.to_string()]
    );
    ledgers[0].verify().await.unwrap();
    seen
}

fn wait_for(seen: &Seen, ran: i64) {
    while seen.ran.load(Ordering::SeqCst) < ran && seen.denied.load(Ordering::SeqCst) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn racing_servers_spend_one_cap_exactly() {
    let Some(url) = database() else { return };
    let seen = spend_cap_while(&url, |_| {}).await;
    assert_eq!(seen.ran.load(Ordering::SeqCst), CAP);
    assert_eq!(seen.refused.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn killed_backends_lose_no_record_and_no_cap() {
    let Some(url) = database() else { return };
    let kill = url.clone();
    spend_cap_while(&url, move |seen| {
        for round in 1..=5 {
            wait_for(seen, round * CAP / 8);
            query(
                &kill,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE application_name = 'aport-gate' AND datname = current_database()",
            );
        }
    })
    .await;
}

#[tokio::test]
async fn server_that_crashes_and_restarts_loses_no_record_and_no_cap() {
    let durable = Options {
        durable: true,
        ..Options::default()
    };
    let Some(mut server) = Server::start(&durable) else {
        return;
    };
    let url = aport_gate_test_postgres::database_on(&server.url("postgres"));
    spend_cap_while(&url, move |seen| {
        for (round, signal) in [(1, "INT"), (2, "QUIT"), (3, "QUIT")] {
            wait_for(seen, round * CAP / 5);
            server.stop(signal);
            std::thread::sleep(Duration::from_millis(300));
            server.start_again();
        }
        // Kept alive by the test's end.
        std::mem::forget(server);
    })
    .await;
}
