//! A server killed at any moment loses nothing that was answered, and no body
//! ran without its record.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aport_gate::Ledger;
use aport_gate_tests::{AGENT, Answer, Home, ServerProcess, passport, refund_arguments};
use serde_json::{Value, json};

const ROUNDS: u64 = 15;
const THREADS: u64 = 6;
const SEED: u64 = 0x5eed_0001;

/// SplitMix64: the moments of death are the same in every run.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Calls until the server dies; the last call gets no answer.
fn load(server: &ServerProcess, round: u64, thread: u64) -> Vec<Answer> {
    let mut answers = Vec::new();
    for call in 0_u64.. {
        // Every fourth is over the limit, so that denials die too.
        let amount = if call % 4 == 3 { 5001 } else { 1 };
        let arguments = refund_arguments(amount, &format!("key-{round}-{thread}-{call}"));
        match server.try_call_tool("process_refund", arguments, None) {
            Some(answer) => answers.push(answer),
            None => break,
        }
    }
    answers
}

async fn decisions(ledger: &Ledger) -> HashMap<String, Value> {
    let (mut decisions, mut last) = (HashMap::new(), 0);
    loop {
        let records = ledger.records(last, 500).await.unwrap();
        let Some(record) = records.last() else {
            return decisions;
        };
        last = record.sequence;
        for record in records
            .into_iter()
            .filter(|record| record.kind == "decision")
        {
            decisions.insert(record.decision_id.unwrap(), record.body["decision"].clone());
        }
    }
}

#[tokio::test]
async fn a_killed_server_keeps_every_record_and_pays_nothing_without_one() {
    let home = Home::new();
    let mut rich = passport();
    rich["limits"]["finance.payment.refund"]["currency_limits"]["USD"]["daily_cap"] =
        json!(1_000_000_000);
    home.write_passport(rich.to_string());
    let (mut state, mut answers) = (SEED, Vec::new());
    for round in 0..ROUNDS {
        let envs = [("APORT_AGENT_ID", AGENT), ("APORT_TIMEOUT_MS", "60000")];
        let server = ServerProcess::spawn(home.path(), &envs);
        let moment = Duration::from_micros(random(&mut state) % 150_000);
        std::thread::scope(|scope| {
            let server = &server;
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| scope.spawn(move || load(server, round, thread)))
                .collect();
            std::thread::sleep(moment);
            server.kill();
            for thread in threads {
                answers.extend(thread.join().unwrap());
            }
        });
        let ledger = Ledger::open(&home.ledger()).unwrap();
        let summary = ledger.verify().await;
        assert!(
            summary.is_ok(),
            "round {round}, killed after {moment:?}: {summary:?}"
        );
    }

    let ledger = Ledger::open(&home.ledger()).unwrap();
    let decisions = decisions(&ledger).await;
    // Else no server died in the middle of a call, and the rest proves nothing.
    let (recorded, answered) = (decisions.len(), answers.len());
    assert!(
        answered > 0 && recorded > answered,
        "{recorded} decisions recorded, {answered} answered"
    );
    let payments = home.payments();
    let mut paid = HashSet::new();
    for payment in &payments {
        let id = payment["decision_id"].as_str().unwrap();
        assert!(paid.insert(id), "decision `{id}` paid twice");
        let decision = decisions
            .get(id)
            .unwrap_or_else(|| panic!("no record of {payment}"));
        assert_eq!(decision["allow"], json!(true), "{payment}");
    }
    for answer in &answers {
        let recorded = decisions.get(answer.decision_id());
        let recorded = recorded.unwrap_or_else(|| panic!("no record of {answer:?}"));
        assert_eq!(recorded["allow"], json!(answer.is_ok()), "{answer:?}");
        assert_eq!(
            paid.contains(answer.decision_id()),
            answer.is_ok(),
            "{answer:?}"
        );
    }
    let allowed = decisions
        .values()
        .filter(|decision| decision["allow"] == json!(true))
        .count();
    assert!(
        payments.len() <= allowed,
        "{} payments, {allowed} allowed",
        payments.len()
    );

    let survivor = home.bound();
    let after = survivor.call_tool("process_refund", refund_arguments(1, "key-survivor"), None);
    assert!(after.is_ok(), "{after:?}");
}

/// Intentions that outlive the servers: each repeated under its key, in one server after another, until it has an
/// answer, while other sessions do the same with the very same keys.
#[tokio::test]
async fn keys_repeated_over_killed_servers_pay_once() {
    const INTENTIONS: u64 = 60;
    let home = Home::new();
    let mut rich = passport();
    rich["limits"]["finance.payment.refund"]["currency_limits"]["USD"]["daily_cap"] =
        json!(1_000_000_000);
    home.write_passport(rich.to_string());
    let envs = [("APORT_AGENT_ID", AGENT), ("APORT_TIMEOUT_MS", "60000")];
    let (mut state, mut answered) = (SEED + 1, HashMap::<u64, Vec<Answer>>::new());
    let mut deaths = 0;
    while (answered.len() as u64) < INTENTIONS {
        assert!(deaths < 200, "only {} have an answer", answered.len());
        let servers = [(); 2].map(|()| ServerProcess::spawn(home.path(), &envs));
        let moment = Duration::from_micros(random(&mut state) % 60_000);
        let open: Vec<u64> = (0..INTENTIONS)
            .filter(|number| !answered.contains_key(number))
            .collect();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let server = &servers[usize::from(thread % 2 == 1)];
                    let open = &open;
                    scope.spawn(move || repeat(server, open, thread))
                })
                .collect();
            std::thread::sleep(moment);
            for server in &servers {
                server.kill();
            }
            for (number, answer) in threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
            {
                answered.entry(number).or_default().push(answer);
            }
        });
        deaths += 1;
    }
    let _ = Ledger::open(&home.ledger())
        .unwrap()
        .verify()
        .await
        .unwrap();
    let payments = home.payments();
    let keys: HashSet<&str> = payments
        .iter()
        .map(|payment| payment["idempotency_key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys.len(),
        payments.len(),
        "a key paid twice: {payments:#?}"
    );
    for (number, answers) in &answered {
        let key = format!("key-again-{number}");
        let paid = answers.iter().filter(|answer| answer.is_ok()).count();
        assert!(paid <= 1, "{key}: {answers:?}");
        assert!(
            paid == 0 || keys.contains(key.as_str()),
            "{key}: {answers:?}"
        );
        // Whoever comes too late is told so, and by nothing else.
        for answer in answers.iter().filter(|answer| !answer.is_ok()) {
            assert_eq!(answer.codes(), ["oap.idempotency_conflict"], "{answer:?}");
        }
    }
    assert!(deaths > 1 && !payments.is_empty(), "{deaths} deaths");
}

/// Each of these once, from another one on for each thread, until the server dies.
fn repeat(server: &ServerProcess, open: &[u64], thread: u64) -> Vec<(u64, Answer)> {
    let begin = usize::try_from(thread).unwrap() * 7 % open.len();
    let (before, after) = open.split_at(begin);
    let mut answers = Vec::new();
    for number in after.iter().chain(before) {
        let arguments = refund_arguments(1, &format!("key-again-{number}"));
        match server.try_call_tool("process_refund", arguments, None) {
            Some(answer) => answers.push((*number, answer)),
            None => break,
        }
    }
    answers
}

/// What a dead server had taken from the cap stays taken.
#[tokio::test]
async fn a_cap_outlives_the_servers_that_spent_it() {
    let home = Home::new();
    let mut spent = 0;
    for round in 0..4 {
        let server = home.bound();
        let key = format!("key-cap-{round}");
        if server
            .call_tool("process_refund", refund_arguments(4000, &key), None)
            .is_ok()
        {
            spent += 4000;
        }
        server.kill();
    }
    assert_eq!(spent, 8000);
    let rest = home.bound();
    assert!(
        !rest
            .call_tool(
                "process_refund",
                refund_arguments(2001, "key-too-much"),
                None
            )
            .is_ok()
    );
    assert!(
        rest.call_tool(
            "process_refund",
            refund_arguments(2000, "key-the-rest"),
            None
        )
        .is_ok()
    );
}
