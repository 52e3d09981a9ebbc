//! Calls a second, latency, memory and start of the two servers, in rounds that take turns.

use std::time::{Duration, Instant};

use super::Registry;
use super::server::{Running, Server};

struct Figures {
    started_in: Vec<Duration>,
    one: Vec<Duration>,
    many: Vec<Duration>,
    per_second: Vec<f64>,
    /// Of the server's process, for the calls of `many`.
    processor_time: Option<Duration>,
    resident: Option<u64>,
}

const CALLERS: usize = 16;

pub async fn run(quick: bool) {
    let (starts, rounds, calls) = if quick { (3, 3, 160) } else { (11, 15, 480) };
    let registry = Registry::start();
    let home = tempfile::tempdir().expect("a folder");
    let mut servers = vec![Server::gated(home.path(), &registry.url)];
    match Server::typescript(&registry.url) {
        Some(peer) => servers.push(peer),
        None => println!(
            "\nThe TypeScript server is not measured: it needs Node, and `npm install` in peers/typescript."
        ),
    }
    let mut figures: Vec<Figures> = servers.iter().map(|_| Figures::new()).collect();
    for _ in 0..starts {
        for (server, figures) in servers.iter().zip(&mut figures) {
            let running = server.start().await;
            figures.started_in.push(running.started_in);
            running.stop().await;
        }
    }
    let mut running = Vec::new();
    for server in &servers {
        let server = server.start().await;
        // Compiled, connected, in the caches.
        server.calls(calls, CALLERS).await;
        running.push(server);
    }
    for _ in 0..rounds {
        for (server, figures) in running.iter().zip(&mut figures) {
            figures.round(server, calls).await;
        }
    }
    for (server, figures) in running.iter().zip(&mut figures) {
        figures.resident = server.resident();
    }
    for server in running {
        server.stop().await;
    }
    print(&servers, &figures);
}

impl Figures {
    fn new() -> Self {
        Self {
            started_in: Vec::new(),
            one: Vec::new(),
            many: Vec::new(),
            per_second: Vec::new(),
            processor_time: Some(Duration::ZERO),
            resident: None,
        }
    }

    fn processor_time_of_a_call(&self) -> Option<f64> {
        let seconds = self.processor_time?.as_secs_f64();
        Some(seconds / self.many.len() as f64)
    }

    async fn round(&mut self, server: &Running, calls: usize) {
        self.one.extend(server.calls(calls / 2, 1).await);
        let used = server.processor_time();
        let start = Instant::now();
        let many = server.calls(calls, CALLERS).await;
        let took = start.elapsed().as_secs_f64();
        let used = server
            .processor_time()
            .zip(used)
            .map(|(after, before)| after - before);
        self.processor_time = self.processor_time.zip(used).map(|(all, this)| all + this);
        self.per_second.push(many.len() as f64 / took);
        self.many.extend(many);
    }
}

fn print(servers: &[Server], figures: &[Figures]) {
    println!("\n### A gated refund over stdio, decided by the same registry\n");
    let names: Vec<_> = servers.iter().map(|server| server.name).collect();
    println!("| | {} |", names.join(" | "));
    println!("| --- |{}", " ---: |".repeat(names.len()));
    let row = |name: &str, cell: &dyn Fn(&Figures) -> String| {
        let cells: Vec<_> = figures.iter().map(cell).collect();
        println!("| {name} | {} |", cells.join(" | "));
    };
    row("calls a second, 16 callers", &|f| {
        format!("{:.0}", middle(f.per_second.clone(), 0.5))
    });
    row("one caller, p50", &|f| at(&f.one, 0.5));
    row("one caller, p99", &|f| at(&f.one, 0.99));
    row("16 callers, p50", &|f| at(&f.many, 0.5));
    row("16 callers, p99", &|f| at(&f.many, 0.99));
    row(
        "processor time of the server for a call, 16 callers",
        &|f| {
            f.processor_time_of_a_call()
                .map_or("not told here".to_owned(), |seconds| {
                    format!("{:.2} ms", seconds * 1e3)
                })
        },
    );
    row("memory after it", &|f| {
        f.resident.map_or("not told here".to_owned(), |kilobytes| {
            format!("{:.1} MB", kilobytes as f64 / 1000.0)
        })
    });
    row("start to listed tools, median", &|f| at(&f.started_in, 0.5));
    if let [ours, peer] = figures {
        let speed = middle(ours.per_second.clone(), 0.5) / middle(peer.per_second.clone(), 0.5);
        println!("\nCalls a second: {speed:.1} × the peer's.");
        if let (Some(ours), Some(peer)) = (
            ours.processor_time_of_a_call(),
            peer.processor_time_of_a_call(),
        ) {
            println!("Processor time of a call: {:.2} × the peer's.", ours / peer);
        }
        if let (Some(ours), Some(peer)) = (ours.resident, peer.resident) {
            println!("Memory: {:.2} × the peer's.", ours as f64 / peer as f64);
        }
    }
}

fn at(times: &[Duration], share: f64) -> String {
    let seconds = times.iter().map(Duration::as_secs_f64).collect();
    format!("{:.2} ms", middle(seconds, share) * 1e3)
}

fn middle(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values
        .get((last as f64 * share) as usize)
        .copied()
        .unwrap_or(f64::NAN)
}
