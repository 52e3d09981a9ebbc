//! A decision's cost against the size of the SQLite ledger, and against the number of agents: it must stay flat.
//!
//! `APORT_BENCH_RECORDS` is the largest number of decisions that the ledger grows to, 1000000 where it is not set.

use super::harness::{Effort, batch, duration, measure};
use super::place::{Place, Scene};
use tokio::runtime::Runtime;

pub fn run(effort: Effort) {
    let runtime = Runtime::new().expect("a runtime");
    let most: u64 = std::env::var("APORT_BENCH_RECORDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    println!("\n### SQLite ledger by size\n");
    println!(
        "| decisions in the ledger | a decision with its outcome | file | bytes for each decision |"
    );
    println!("| ---: | ---: | ---: | ---: |");
    let scene = runtime.block_on(Scene::new(Place::Sqlite, 100));
    let (mut size, mut filled) = (1_000_u64, 0_u64);
    while size <= most {
        let missing = u32::try_from(size - filled).expect("a number of decisions");
        runtime.block_on(scene.decide_together(missing, 64));
        let bytes = file_size(&scene);
        let (inner, at_work) = (&runtime, scene.clone());
        let row = batch("decision", move |times| {
            inner.block_on(at_work.decide_together(times, 1));
        });
        let median = measure("", effort, vec![row])
            .median("decision")
            .unwrap_or(f64::NAN);
        let megabytes = bytes as f64 / 1e6;
        println!(
            "| {size} | {} | {megabytes:.1} MB | {} |",
            duration(median),
            bytes / size
        );
        filled = size;
        size *= 10;
    }

    let mut rows = Vec::new();
    for agents in [1_u64, 1_000, 100_000] {
        let scene = runtime.block_on(Scene::new(Place::Sqlite, agents));
        let every = u32::try_from(agents).expect("a number of agents");
        // Each has called before: its counters are there.
        runtime.block_on(scene.decide_together(every, 64));
        let runtime = &runtime;
        rows.push(batch(format!("{agents} agents"), move |times| {
            runtime.block_on(scene.decide_together(times, 1));
        }));
    }
    measure("SQLite ledger by number of agents", effort, rows).print("1 agents");
}

/// The database with what it has not merged yet.
fn file_size(scene: &Scene) -> u64 {
    let entries = std::fs::read_dir(scene.home()).expect("the folder");
    let ledger = entries.filter_map(Result::ok).filter(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("ledger.sqlite3")
    });
    ledger
        .filter_map(|entry| entry.metadata().ok())
        .map(|data| data.len())
        .sum()
}
