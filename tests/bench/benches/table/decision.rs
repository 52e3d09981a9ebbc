//! The whole local decision: passport, usage, evaluation, caps, audit record and its outcome.

use super::harness::{Effort, batch, measure};
use super::place::{Place, Scene};
use tokio::runtime::Runtime;

pub fn run(effort: Effort) {
    let runtime = Runtime::new().expect("a runtime");
    for (who, agents) in [("one agent, so one cap", 1), ("64 agents", 64)] {
        let mut rows = Vec::new();
        for place in Place::all() {
            for callers in [1_u32, 4, 16, 64] {
                let scene = runtime.block_on(Scene::new(place, agents));
                let runtime = &runtime;
                let name = format!("{}, {callers} at a time", place.name());
                let together = batch(name, move |times| {
                    let times = times.saturating_mul(callers);
                    runtime.block_on(scene.decide_together(times, callers));
                });
                rows.push(together.of(callers));
            }
        }
        let title = format!("A decision with its outcome recorded: time for each, {who}");
        measure(&title, effort, rows).print("memory, 1 at a time");
    }
}
