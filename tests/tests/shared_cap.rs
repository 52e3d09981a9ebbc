//! Two servers on one ledger share one daily cap: on one folder, or with folders of their own and one
//! PostgreSQL database.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Barrier;

use aport_gate_tests::{AGENT, Answer, Home, ServerProcess, refund_arguments};
use proptest::prelude::*;

const CAP: u64 = 10_000;
const THREADS: usize = 16;

/// Every amount refunded once, from eight threads on each of two servers.
fn race(homes: [&Home; 2], database: Option<&str>, amounts: &[u64]) -> Vec<(u64, Answer)> {
    // The race is about the cap, not about a slow machine.
    let mut envs = vec![("APORT_AGENT_ID", AGENT), ("APORT_TIMEOUT_MS", "60000")];
    envs.extend(database.map(|url| ("APORT_DATABASE_URL", url)));
    let servers = homes.map(|home| ServerProcess::spawn(home.path(), &envs));
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (server, start) = (&servers[thread % 2], &start);
                scope.spawn(move || {
                    start.wait();
                    let mine = amounts.iter().enumerate().skip(thread).step_by(THREADS);
                    mine.map(|(index, amount)| {
                        let arguments = refund_arguments(*amount, &format!("key-race-{index}"));
                        (*amount, server.call_tool("process_refund", arguments, None))
                    })
                    .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// The sum allowed; it never exceeds the cap, and nothing denied would have fitted.
fn spent(homes: &[&Home], answers: &[(u64, Answer)]) -> u64 {
    let spent = answers
        .iter()
        .filter(|(_, answer)| answer.is_ok())
        .map(|(amount, _)| amount)
        .sum();
    assert!(spent <= CAP, "{spent} was spent of {CAP}");
    for (amount, answer) in answers.iter().filter(|(_, answer)| !answer.is_ok()) {
        assert_eq!(answer.codes(), ["oap.limit_exceeded"], "{answer:?}");
        assert!(
            spent + amount > CAP,
            "{amount} was denied though only {spent} of {CAP} was spent"
        );
    }
    let paid: u64 = homes
        .iter()
        .flat_map(|home| home.payments())
        .map(|payment| payment["amount"].as_u64().unwrap())
        .sum();
    assert_eq!(paid, spent, "the desk paid what was allowed");
    spent
}

#[test]
fn racing_servers_spend_one_cap_exactly() {
    let home = Home::new();
    let answers = race([&home, &home], None, &[300; 64]);
    assert_eq!(answers.len(), 64);
    assert_eq!(spent(&[&home], &answers), CAP / 300 * 300);
}

#[test]
fn racing_servers_of_two_machines_spend_one_cap_exactly() {
    let Some(url) = aport_gate_test_postgres::database() else {
        return;
    };
    let homes = [Home::new(), Home::new()];
    let homes = [&homes[0], &homes[1]];
    let answers = race(homes, Some(&url), &[300; 64]);
    assert_eq!(answers.len(), 64);
    assert_eq!(spent(&homes, &answers), CAP / 300 * 300);
    let paying = homes.iter().filter(|home| !home.payments().is_empty());
    assert_eq!(paying.count(), 2, "both machines took part");
}

#[test]
fn racing_servers_run_one_call_of_an_idempotency_key() {
    let home = Home::new();
    let servers = [home.bound(), home.bound()];
    let start = Barrier::new(THREADS);
    let allowed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (server, start) = (&servers[thread % 2], &start);
                scope.spawn(move || {
                    start.wait();
                    let arguments = refund_arguments(10, "key-of-all");
                    usize::from(server.call_tool("process_refund", arguments, None).is_ok())
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!((allowed, home.payments().len()), (1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 5,
        max_shrink_iters: 10,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn racing_servers_never_overspend_whatever_the_amounts(
        amounts in prop::collection::vec(1_u64..=5000, 1..40)
    ) {
        let home = Home::new();
        let answers = race([&home, &home], None, &amounts);
        prop_assert_eq!(answers.len(), amounts.len());
        let spent = spent(&[&home], &answers);
        let all: u64 = amounts.iter().sum();
        prop_assert!(all > CAP || spent == all);
    }
}
