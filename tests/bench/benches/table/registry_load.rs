//! Our own registry as a process, under a load from another one.

use super::harness::{Effort, duration};
use super::latency::Latencies;
use super::place::{self, Place, agent, context, passport};
use super::refund::PACK_ID;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Runtime;

/// Names what this program is to be, when it is started as a child.
const BE: &str = "APORT_BENCH_BE";
/// Where the load goes, by how many callers, and how many calls each.
const URL: &str = "APORT_BENCH_URL";
const CALLERS: &str = "APORT_BENCH_CALLERS";
const EACH: &str = "APORT_BENCH_EACH";
const RUN: &str = "APORT_BENCH_RUN";

const AGENTS: u64 = 64;

/// Is the registry, or the load, when this program was started for that.
pub fn be_if_asked() -> Option<ExitCode> {
    match std::env::var(BE).ok()?.as_str() {
        "registry" => Some(aport_gate::cli::main()),
        _ => {
            load();
            Some(ExitCode::SUCCESS)
        }
    }
}

pub fn run(effort: Effort) {
    println!("\n### Our registry, asked by another process\n");
    println!("| ledger | callers | decisions a second | median | 99 of 100 within |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for place in Place::all()
        .into_iter()
        .filter(|place| *place != Place::Memory)
    {
        let registry = Registry::start(place);
        for (number, callers) in [1_u32, 16, 128].into_iter().enumerate() {
            // As many calls as one caller makes in some seconds, and bounded in any case.
            let all = effort.rounds * 200;
            let each = (all / callers).max(4);
            let told = registry.load(number, callers, each);
            println!(
                "| {} | {callers} | {:.0} | {} | {} |",
                place.name(),
                told["a_second"].as_f64().expect("a number"),
                duration(told["median"].as_f64().expect("a number")),
                duration(told["late"].as_f64().expect("a number"))
            );
        }
    }
}

/// `aport-gate registry` with passports for the agents of the load. Ended when dropped.
struct Registry {
    child: Child,
    url: String,
    _home: tempfile::TempDir,
}

impl Registry {
    fn start(place: Place) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let passports = home.path().join("passports");
        std::fs::create_dir_all(&passports).expect("a folder");
        for number in 0..AGENTS {
            let agent = agent(number);
            let file = passports.join(format!("{agent}.json"));
            std::fs::write(file, passport(agent.as_str()).to_string()).expect("a passport");
        }
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args([
                "registry",
                "--dev",
                "--listen",
                "127.0.0.1:0",
                "--rate-limit",
                "off",
            ])
            .env(BE, "registry")
            .env("APORT_HOME", home.path())
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if place == Place::Postgres {
            command.env("APORT_DATABASE_URL", place::new_database());
        }
        let mut child = command.spawn().expect("a registry");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
        stdout.read_line(&mut line).expect("its first line");
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .expect("its address");
        Self {
            child,
            url: address.to_owned(),
            _home: home,
        }
    }

    fn load(&self, run: usize, callers: u32, each: u32) -> Value {
        let output = Command::new(std::env::current_exe().expect("this program"))
            .env(BE, "load")
            .env(URL, &self.url)
            .env(RUN, run.to_string())
            .env(CALLERS, callers.to_string())
            .env(EACH, each.to_string())
            .stderr(Stdio::inherit())
            .output()
            .expect("a load");
        serde_json::from_slice(&output.stdout).expect("what the load measured")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(name: &str) -> u32 {
    let text = std::env::var(name).unwrap_or_default();
    text.parse().expect("a number")
}

/// Asks for decisions, each of the next agent in turn under a key of its own, and tells what it took.
fn load() {
    let (callers, each, run) = (number(CALLERS), number(EACH), u64::from(number(RUN)));
    let base = std::env::var(URL).expect("a registry");
    let url = format!("{base}/api/verify/policy/{PACK_ID}");
    let client = Client::builder().no_proxy().tcp_nodelay(true).build();
    let client = client.expect("a client");
    let calls = Arc::new(AtomicU64::new(run << 32));
    let ask = move || {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        let agent = agent(call % AGENTS);
        let body = json!({"agent_id": agent, "context": context(agent.as_str(), call)}).to_string();
        let request = client.post(&url).header(CONTENT_TYPE, "application/json");
        async move {
            let answer = request.body(body).send().await.expect("an answer");
            let answer = answer.bytes().await.expect("its body");
            let answer: Value = serde_json::from_slice(&answer).expect("a decision");
            assert_eq!(answer["allow"], true, "{answer}");
        }
    };
    let mut measured = Runtime::new().expect("a runtime").block_on(async {
        // Connections, and what is read once.
        Latencies::of(callers, 2, ask.clone()).await;
        Latencies::of(callers, each, ask).await
    });
    let told = json!({
        "a_second": measured.a_second(), "median": measured.at(0.5), "late": measured.at(0.99)
    });
    println!("{told}");
}
