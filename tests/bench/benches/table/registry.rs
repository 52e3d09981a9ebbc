//! Decisions that come from a registry, against a bare POST of the same bytes to the same server, and what our own
//! registry serves to a load from another process.

use super::harness::{Effort, batch, measure};
use super::latency::Latencies;
use super::place::{Place, Scene, agent, context};
use super::{registry_load, stub, tool};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use tokio::runtime::Runtime;

pub fn run(effort: Effort) {
    let runtime = Runtime::new().expect("a runtime");
    over_http(&runtime, effort);
    around_a_tool(&runtime, effort);
    registry_load::run(effort);
}

/// A bare POST, and nothing looked at.
#[derive(Clone)]
pub struct Bare {
    client: Client,
    url: String,
    body: Vec<u8>,
}

impl Bare {
    pub fn new(base: &str) -> Self {
        let agent = agent(0);
        let context = context(agent.as_str(), 1);
        let key = &context["idempotency_key"];
        let body = json!({"agent_id": agent, "idempotency_key": key, "context": context});
        let client = Client::builder().no_proxy().tcp_nodelay(true).build();
        Self {
            client: client.expect("a client"),
            url: format!("{base}/api/verify/policy/{}", super::refund::PACK_ID),
            body: body.to_string().into_bytes(),
        }
    }

    pub async fn post(&self) {
        let request = self.client.post(&self.url).body(self.body.clone());
        let answer = request
            .header(CONTENT_TYPE, "application/json")
            .send()
            .await;
        let answer = answer.expect("an answer").bytes().await.expect("its body");
        assert!(!answer.is_empty());
    }
}

/// The whole decision: asked, checked, and recorded with its outcome in a ledger in memory.
fn over_http(runtime: &Runtime, effort: Effort) {
    println!("\n### A decision over HTTP against a bare POST, to a server in this process\n");
    println!(
        "| callers | what | median | 99 of 100 within | a second | × bare, median | × bare, 99th |"
    );
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: |");
    let (bare, scene) = runtime.block_on(async {
        let url = format!("http://{}", stub::start().await);
        let scene = Scene::asking(&url, Place::Memory).await;
        (Bare::new(&url), scene)
    });
    for callers in [1_u32, 16, 128] {
        let each = (256 / callers).max(8);
        let (mut plain, mut gated) = (Latencies::default(), Latencies::default());
        runtime.block_on(async {
            // The first round fills the pool of connections, and does not count.
            for round in 0..=effort.rounds {
                let bare = bare.clone();
                let of_bare = Latencies::of(callers, each, move || {
                    let bare = bare.clone();
                    async move { bare.post().await }
                });
                let of_bare = of_bare.await;
                let scene = scene.clone();
                let of_gate = Latencies::of(callers, each, move || {
                    let scene = scene.clone();
                    async move { scene.decide().await }
                });
                let of_gate = of_gate.await;
                if round > 0 {
                    plain.add(of_bare);
                    gated.add(of_gate);
                }
            }
        });
        println!("| {callers} | bare POST | {} | 1 | 1 |", plain.cells());
        let (median, late) = (
            gated.at(0.5) / plain.at(0.5),
            gated.at(0.99) / plain.at(0.99),
        );
        println!(
            "| {callers} | decision | {} | {median:.2} | {late:.2} |",
            gated.cells()
        );
    }
}

/// The target: gated, in registry mode, at most 1.15 times an ungated call and a bare POST.
fn around_a_tool(runtime: &Runtime, effort: Effort) {
    let url = runtime.block_on(async { format!("http://{}", stub::start().await) });
    let mut rows = Vec::new();
    for (name, what, posts) in [
        ("ungated and a bare POST", "ungated", true),
        (
            "ungated, with a decision in its answer, and a bare POST",
            "answering",
            true,
        ),
        ("gated, records in memory", "registry-memory", false),
        ("gated, records in SQLite", "registry-sqlite", false),
    ] {
        let client = runtime.block_on(tool::child(what, Some(&url)));
        let bare = Bare::new(&url);
        let mut call = 0;
        rows.push(batch(name, move |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    call += 1;
                    tool::refund(&client, call, what != "ungated").await;
                    if posts {
                        bare.post().await;
                    }
                }
            });
        }));
    }
    measure(
        "A tool call over stdio, decided by a registry",
        effort,
        rows,
    )
    .print("ungated and a bare POST");
}
