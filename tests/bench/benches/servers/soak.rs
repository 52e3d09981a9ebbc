//! Ten minutes at a steady rate: the memory of a server that has nothing to keep must not grow.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Registry;
use super::server::{AGENT, Running, Server};

/// Calls a second to each server, far below what it can do.
const RATE: u32 = 100;

pub async fn run(quick: bool) {
    let seconds = std::env::var("APORT_BENCH_SOAK_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(if quick { 10 } else { 600 });
    let registry = Registry::start();
    let (home, own_home) = (folder(), folder());
    passport(own_home.path());
    let servers = [
        Server::gated(home.path(), &registry.url),
        Server::gated_local(own_home.path()),
    ];
    let mut running = Vec::new();
    for server in &servers {
        running.push(server.start().await);
    }
    println!(
        "\n### {RATE} calls a second to each server for {seconds} seconds: memory in kilobytes\n"
    );
    println!("| after | {} | {} |", servers[0].name, servers[1].name);
    println!("| ---: | ---: | ---: |");
    let start = Instant::now();
    let samples = 10_u64.min(seconds);
    for sample in 0..=samples {
        let until = start + Duration::from_secs(seconds * sample / samples.max(1));
        futures::future::join_all(running.iter().map(|server| steadily(server, until))).await;
        let memory: Vec<_> = running
            .iter()
            .map(|server| {
                server
                    .resident()
                    .map_or("?".to_owned(), |kb| kb.to_string())
            })
            .collect();
        println!(
            "| {} s | {} |",
            start.elapsed().as_secs(),
            memory.join(" | ")
        );
    }
    for server in running {
        server.stop().await;
    }
}

async fn steadily(server: &Running, until: Instant) {
    let mut clock = tokio::time::interval(Duration::from_secs(1) / RATE);
    while Instant::now() < until {
        clock.tick().await;
        server.call().await;
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A passport whose caps are out of reach.
fn passport(home: &std::path::Path) {
    let passports = home.join("passports");
    std::fs::create_dir_all(&passports).expect("a folder");
    let passport = json!({
        "passport_id": AGENT, "spec_version": "oap/1.0", "owner_id": "org_bench",
        "status": "active", "assurance_level": "L3",
        "capabilities": [{"id": "finance.payment.refund"}],
        "limits": {"finance.payment.refund": {
            "currency_limits": {"USD": {"max_per_tx": 5000, "daily_cap": 9_007_199_254_740_991_u64}},
            "reason_codes": ["customer_request"],
        }},
        "regions": ["US"],
    });
    let file = passports.join(format!("{AGENT}.json"));
    std::fs::write(file, passport.to_string()).expect("a passport");
}
