//! Two hours of agents that ask for too much, repeat, cancel, hang up and lie, over a network that loses, delays and
//! duplicates messages, in seconds: time passes only when nothing else is left to do.
//!
//! `APORT_SIMULATION_SEED` replays one run, `APORT_SIMULATION_RUNS` makes more of them. With the ledger in memory a
//! seed gives nearly the same run each time (the decisions' ids, and the order in which rmcp looks at what is ready,
//! are not of the seed); with SQLite the disk has a say as well.
#![allow(missing_docs, clippy::unwrap_used)]

mod agent;
mod check;
mod desk;
mod operator;
mod random;
mod seen;
mod timeline;
mod wire;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::seen::Seen;
use crate::timeline::Timeline;
use crate::world::{Ledgers, World};

/// Runs in the day's last hour and the next one's first.
const TWO_HOURS: Duration = Duration::from_secs(2 * 60 * 60);
const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);

#[test]
fn two_hours_of_agents_break_no_promise_of_the_gate() {
    runs(4, |seed| one(seed, Ledgers::Memory, TWO_HOURS));
}

#[test]
fn half_an_hour_of_agents_that_share_a_ledger_file_breaks_none_either() {
    runs(2, |seed| one(seed, Ledgers::SharedFile, HALF_AN_HOUR));
}

fn one(seed: u64, ledgers: Ledgers, length: Duration) -> Seen {
    let timeline = Timeline::new(ledgers.pace());
    let idle = timeline.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(move || idle.pass())
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::new(seed, ledgers, timeline, length).await;
        world.live().await;
        check::all(&world).await
    })
}

/// Each seed for itself; then that all of them together met what they are there to meet.
fn runs(usual: u64, one: impl Fn(u64) -> Seen) {
    quiet_about_simulated_panics();
    let number = |variable: &str| -> Option<u64> {
        Some(std::env::var(variable).ok()?.parse().expect("a number"))
    };
    let only = number("APORT_SIMULATION_SEED");
    let seeds = match only {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("APORT_SIMULATION_RUNS").unwrap_or(usual),
    };
    let mut seen = Seen::default();
    for seed in seeds {
        let began = std::time::Instant::now();
        match catch_unwind(AssertUnwindSafe(|| one(seed))) {
            Ok(found) => {
                println!("seed {seed}: {found:?} in {:?}", began.elapsed());
                seen.add(&found);
            }
            Err(panic) => {
                let test = std::thread::current().name().unwrap_or_default().to_owned();
                eprintln!(
                    "replay: APORT_SIMULATION_SEED={seed} cargo test --test simulation {test}"
                );
                resume_unwind(panic);
            }
        }
    }
    if only.is_none() {
        seen.is_worth_something();
    }
}

fn quiet_about_simulated_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.to_string().contains(desk::PANIC) {
            usual(info);
        }
    }));
}
