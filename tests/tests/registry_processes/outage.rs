//! A registry that is killed and started again while two gates load it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aport_gate_tests::{
    AGENT, Answer, Home, RegistryProcess, ServerProcess, passport, refund_arguments,
};
use serde_json::json;

use crate::decisions::refund;
use crate::trail::decisions;

const ROUNDS: u64 = 8;
const THREADS: u64 = 3;
const SEED: u64 = 0x5eed_0003;
/// Less than the load asks for, so that the cap is met while the registry dies.
const CAP: u64 = 60;

/// SplitMix64: the moments of death are the same in every run.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn load(gate: &ServerProcess, next: &AtomicU64, stop: &AtomicBool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let call = next.fetch_add(1, Ordering::Relaxed);
        let key = format!("refund-{call:06}");
        // Every fifth is over the limit, so that denials die too.
        let amount = if call % 5 == 4 { 5001 } else { 1 };
        answers.push(gate.call_tool("process_refund", refund_arguments(amount, &key), None));
    }
    answers
}

#[test]
fn a_registry_killed_and_restarted_under_load_loses_no_decision_and_lets_nothing_run_without_one() {
    let (office, homes) = (Home::new(), [Home::new(), Home::new()]);
    let mut rich = passport();
    rich["limits"]["finance.payment.refund"]["currency_limits"]["USD"]["daily_cap"] = json!(CAP);
    office.write_passport(rich.to_string());
    // The load is no attack.
    let arguments = ["--rate-limit", "off"];
    let mut registry = RegistryProcess::start(&office, &arguments, &[]);
    let gates = [0, 1].map(|gate| registry.gate(&homes[gate], &[("APORT_TIMEOUT_MS", "3000")]));
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut state = SEED;
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..2 * THREADS)
            .map(|caller| {
                let gate = &gates[usize::from(caller % 2 == 1)];
                scope.spawn(|| load(gate, &next, &stop))
            })
            .collect();
        for _ in 0..ROUNDS {
            std::thread::sleep(Duration::from_millis(50 + random(&mut state) % 250));
            registry.kill();
            std::thread::sleep(Duration::from_millis(random(&mut state) % 400));
            registry = RegistryProcess::start_at(registry.address(), &office, &arguments, &[]);
        }
        stop.store(true, Ordering::Relaxed);
        callers
            .into_iter()
            .flat_map(|caller| caller.join().unwrap())
            .collect()
    });

    let _ = office.operate(&["audit", "verify"]).exits(0);
    let decided = decisions(&office);
    let mut paid = HashMap::new();
    for home in &homes {
        let _ = home.operate(&["audit", "verify"]).exits(0);
        let recorded = decisions(home);
        for payment in home.payments() {
            let id = payment["decision_id"].as_str().unwrap().to_owned();
            for (whose, trail) in [("the gate", &recorded), ("the registry", &decided)] {
                let decision = trail
                    .get(&id)
                    .unwrap_or_else(|| panic!("{whose} has no record of {payment}"));
                assert_eq!(decision["allow"], json!(true), "{whose}: {payment}");
                assert_eq!(decision["agent_id"], AGENT);
            }
            let amount = payment["amount"].as_u64().unwrap();
            assert!(paid.insert(id, amount).is_none(), "paid twice: {payment}");
        }
        // What a gate took for a decision, the registry made.
        for (id, decision) in recorded {
            assert_eq!(decided.get(&id), Some(&decision), "decision `{id}`");
        }
    }
    let (mut allowed, mut denied, mut refused) = (0, 0, 0);
    for answer in &answers {
        match answer.codes().first() {
            Some(&"oap.allowed") => {
                allowed += 1;
                assert!(paid.contains_key(answer.decision_id()), "{answer:?}");
            }
            Some(code) if code.starts_with("oap.") => {
                denied += 1;
                assert_eq!(
                    decided[answer.decision_id()]["allow"],
                    json!(false),
                    "{answer:?}"
                );
            }
            code => {
                refused += 1;
                let code = code.unwrap();
                let known = [
                    "gate.registry_unreachable",
                    "gate.registry_paused",
                    "gate.registry_unavailable",
                    "gate.registry_timeout",
                ];
                assert!(known.contains(code), "{answer:?}");
            }
        }
    }
    // Else nothing died in the middle of anything, and the rest proves nothing.
    assert!(
        allowed > 0 && denied > 0 && refused > 0,
        "{allowed} {denied} {refused}"
    );
    let spent: u64 = paid.values().sum();
    assert!(spent <= CAP, "{spent} was paid of {CAP}");
    assert!(registry.refunded_today(None) >= spent && registry.refunded_today(None) <= CAP);
    assert_eq!(
        u64::try_from(paid.len()).unwrap(),
        allowed,
        "what ran was answered"
    );
}

#[test]
fn an_outage_is_refused_told_and_over_by_itself() {
    let (desk, office) = (Home::new(), Home::new());
    let mut registry = RegistryProcess::start(&office, &[], &[]);
    let gate = registry.gate(&desk, &[("APORT_TIMEOUT_MS", "2000")]);
    assert!(refund(&gate, 1, "refund-0001").is_ok());
    registry.kill();
    let mut codes = Vec::new();
    for call in 0..8 {
        let refused = refund(&gate, 1, &format!("refund-1{call:04}"));
        assert!(
            refused.text().starts_with("Policy check failed: "),
            "{refused:?}"
        );
        assert!(
            refused.text().ends_with("The tool was not run."),
            "{refused:?}"
        );
        codes.push(refused.codes()[0].to_owned());
    }
    assert_eq!(codes[0], "gate.registry_unreachable");
    assert_eq!(codes[7], "gate.registry_paused");
    assert!(
        gate.log().contains("not asked for a while"),
        "{}",
        gate.log()
    );
    let registry = RegistryProcess::start_at(registry.address(), &office, &[], &[]);
    let begun = std::time::Instant::now();
    let mut call = 0;
    while !refund(&gate, 1, &format!("refund-2{call:04}")).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", gate.log());
        std::thread::sleep(Duration::from_millis(50));
        call += 1;
    }
    assert!(gate.log().contains("answers again"), "{}", gate.log());
    assert_eq!(desk.payments().len(), 2);
    drop(registry);
}
