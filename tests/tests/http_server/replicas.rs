//! Servers that share one ledger, behind a balancer: any of them answers any request.

use aport_gate_tests::{AGENT, Home, HttpServerProcess, refund_arguments};

/// Threads that call in turn, each call at another replica.
const THREADS: usize = 6;
const CALLS: usize = 12;
const AMOUNT: u64 = 300;
const DAILY_CAP: u64 = 10_000;

fn share_one_cap(home: &Home, envs: &[(&str, &str)]) {
    let token = format!("Authorization: Bearer {}", home.token(AGENT, "replicas"));
    let replicas = [
        HttpServerProcess::start(home, &[], envs),
        HttpServerProcess::start(home, &[], envs),
    ];
    let allowed: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (replicas, token) = (&replicas, &token);
                scope.spawn(move || {
                    (0..CALLS)
                        .filter(|call| {
                            let replica = &replicas[(thread + call) % replicas.len()];
                            let arguments =
                                refund_arguments(AMOUNT, &format!("replica-{thread}-{call}"));
                            replica
                                .call(&[token], "process_refund", &arguments)
                                .answer()
                                .is_ok()
                        })
                        .count() as u64
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(allowed, DAILY_CAP / AMOUNT);
    let paid: u64 = home
        .payments()
        .iter()
        .map(|paid| paid["amount"].as_u64().unwrap())
        .sum();
    assert_eq!(paid, allowed * AMOUNT);
    // One key pays once, whichever replica it comes to.
    for replica in &replicas {
        let answer = replica.call(
            &[&token],
            "process_refund",
            &refund_arguments(AMOUNT, "replica-0-0"),
        );
        assert!(!answer.answer().is_ok());
    }
    // A revocation counts at both from the next request on.
    let _ = home.operate(&["token", "revoke", "replicas"]).exits(0);
    for replica in &replicas {
        let answer = replica.call(
            &[&token],
            "process_refund",
            &refund_arguments(1, "key-revoked"),
        );
        assert_eq!(answer.status, 401);
    }
}

#[test]
fn replicas_on_one_file_never_exceed_one_cap() {
    let home = Home::new();
    share_one_cap(&home, &[]);
    let _ = home.operate(&["audit", "verify"]).exits(0);
}

#[test]
fn replicas_on_one_postgresql_never_exceed_one_cap() {
    let Some(url) = aport_gate_test_postgres::database() else {
        return;
    };
    let home = Home::new();
    share_one_cap(&home, &[("APORT_DATABASE_URL", &url)]);
}
