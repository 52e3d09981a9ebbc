//! A decision's cost against the size of the SQLite ledger, and against the number of agents: it must stay flat.
//!
//! `APORT_BENCH_RECORDS` is the largest number of audit records that the ledger grows to, 1000000 where it is not
//! set; 10000000 take some 5 GB of disk meanwhile.

use super::fill::fill;
use super::harness::{Effort, batch, duration, measure};
use super::place::{Place, Scene};
use tokio::runtime::Runtime;

pub fn run(effort: Effort) {
    let runtime = Runtime::new().expect("a runtime");
    by_size(&runtime, effort);
    by_agents(&runtime, effort);
}

fn by_size(runtime: &Runtime, effort: Effort) {
    let most: u64 = std::env::var("APORT_BENCH_RECORDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let scene = runtime.block_on(Scene::new(Place::Sqlite, 100));
    runtime.block_on(scene.decide_together(500, 64));
    // The same ledger without what was filled in, beside it in each round: the machine is never the same twice.
    let small = runtime.block_on(Scene::new(Place::Sqlite, 100));
    runtime.block_on(small.decide_together(500, 64));
    println!(
        "\nReal decisions: {} bytes of file each.",
        file_size(&small) / 500
    );
    println!("\n### SQLite ledger by size\n");
    println!(
        "| audit records | a decision with its outcome | beside it, with 1000 records | ratio | file |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: |");
    let mut size = 1_000_u64;
    while size <= most {
        fill(&scene.home().join("ledger.sqlite3"), size);
        let row = |name: &str, scene: &Scene| {
            let scene = scene.clone();
            batch(name, move |times| {
                runtime.block_on(scene.decide_together(times, 1));
            })
        };
        let table = measure("", effort, vec![row("large", &scene), row("small", &small)]);
        let (large, small) = (table.median("large"), table.median("small"));
        let (large, small) = (large.unwrap_or(f64::NAN), small.unwrap_or(f64::NAN));
        let megabytes = file_size(&scene) as f64 / 1e6;
        println!(
            "| {size} | {} | {} | {:.2} | {megabytes:.0} MB |",
            duration(large),
            duration(small),
            large / small
        );
        size *= 10;
    }
}

fn by_agents(runtime: &Runtime, effort: Effort) {
    let mut rows = Vec::new();
    for agents in [1_u64, 100, 10_000, 100_000] {
        let scene = runtime.block_on(Scene::new(Place::Sqlite, agents));
        let every = u32::try_from(agents).expect("a number of agents");
        // Each has called before: its counters are there.
        runtime.block_on(scene.decide_together(every, 64));
        rows.push(batch(format!("{agents} agents"), move |times| {
            runtime.block_on(scene.decide_together(times, 1));
        }));
    }
    measure("SQLite ledger by number of agents", effort, rows).print("1 agents");
}

/// The database, once it has merged its log.
fn file_size(scene: &Scene) -> u64 {
    let path = scene.home().join("ledger.sqlite3");
    let other = rusqlite::Connection::open(&path).expect("the ledger");
    let merge = "PRAGMA wal_checkpoint(TRUNCATE)";
    other
        .query_row(merge, [], |_| Ok(()))
        .expect("a checkpoint");
    std::fs::metadata(path).expect("the file").len()
}
