//! Whoever suspends passports and changes packs while all of this goes on.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::random::Random;
use crate::world::{AGENTS, World, passport};

/// From when until when an agent was suspended.
pub(crate) struct Suspension {
    pub(crate) agent: &'static str,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

/// Changes of files are seen once in a second of real time.
const UNTIL_SEEN: Duration = Duration::from_millis(1050);
/// How often a run waits for that.
const LOOKS: u32 = 2;

pub(crate) async fn work(world: Arc<World>, mut random: Random) {
    let mut looks = 0;
    let mut is_waived = false;
    while !world.is_over() {
        let pause = Duration::from_secs(30 + random.below(150));
        world.timeline.sleep(pause).await;
        match random.below(3) {
            0 if looks < LOOKS => {
                looks += 1;
                is_waived = !is_waived;
                let options = if is_waived {
                    r#"{"finance.payment.refund.v1": {"waive": ["reason_code_known"]}}"#
                } else {
                    "{}"
                };
                change_options(&world, options);
                std::thread::sleep(UNTIL_SEEN);
            }
            // Nonsense: what was in force stays.
            1 => change_options(&world, "{"),
            _ => suspend(&world, &mut random).await,
        }
    }
}

fn change_options(world: &World, text: &str) {
    for gate in world.gates.iter().flatten() {
        let home = gate.home();
        let new = home.join("pack-options.new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, home.join("pack-options.json")).unwrap();
    }
}

async fn suspend(world: &World, random: &mut Random) {
    let who = usize::try_from(random.below(3)).unwrap();
    let (agent, gates) = (AGENTS[who], &world.gates[who]);
    let clock = gates[0].clock();
    for gate in gates {
        gate.set_passport(&passport(agent, "suspended"));
    }
    let from = clock.now();
    let length = Duration::from_secs(30 + random.below(300));
    world.timeline.sleep(length).await;
    let until = clock.now();
    for gate in gates {
        gate.set_passport(&passport(agent, "active"));
    }
    world
        .suspensions
        .lock()
        .unwrap()
        .push(Suspension { agent, from, until });
}
