//! One server in a process of its own, and the client that calls it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rmcp::ServiceExt as _;
use rmcp::model::CallToolRequestParams;
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::TokioChildProcess;
use serde_json::json;
use tokio::process::Command;

pub const AGENT: &str = "ap_bench_0";

/// No key is used twice, whichever server it goes to.
static KEYS: AtomicU64 = AtomicU64::new(0);

pub struct Server {
    pub name: &'static str,
    command: Box<dyn Fn() -> Command>,
}

/// A server that runs, and what it took to be asked for its tools.
pub struct Running {
    client: RunningService<RoleClient, ()>,
    process: u32,
    pub started_in: Duration,
}

impl Server {
    /// Ours, under a registry.
    pub fn gated(home: &Path, registry: &str) -> Self {
        let (home, registry) = (home.to_owned(), registry.to_owned());
        Self {
            name: "aport-gate",
            command: Box::new(move || {
                let mut command = gated(&home);
                command.env("APORT_BASE_URL", &registry);
                command
            }),
        }
    }

    /// Ours, deciding by itself.
    pub fn gated_local(home: &Path) -> Self {
        let home = home.to_owned();
        Self {
            name: "aport-gate, deciding by itself",
            command: Box::new(move || gated(&home)),
        }
    }

    /// The peer, where Node and its packages are.
    pub fn typescript(registry: &str) -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("peers/typescript");
        let installed = folder.join("node_modules").is_dir();
        let node = std::process::Command::new("node").arg("--version").output();
        if !installed || node.is_err() {
            return None;
        }
        let registry = registry.to_owned();
        Some(Self {
            name: "official TypeScript SDK",
            command: Box::new(move || {
                let mut command = Command::new("node");
                command.arg(folder.join("server.mjs"));
                command.env("APORT_BASE_URL", &registry);
                command
            }),
        })
    }

    pub async fn start(&self) -> Running {
        let start = Instant::now();
        let transport = TokioChildProcess::new((self.command)()).expect("the server's binary");
        let process = transport.id().expect("a process that runs");
        let client = ().serve(transport).await.expect("a session");
        let tools = client.list_all_tools().await.expect("its tools");
        assert_eq!(tools.len(), 1, "{}", self.name);
        Running {
            client,
            process,
            started_in: start.elapsed(),
        }
    }
}

fn gated(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gated_refund_server"));
    command.env_clear();
    // Windows starts no socket without it.
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.env("SystemRoot", root);
    }
    command.env("APORT_HOME", home);
    command
}

impl Running {
    /// One call that is allowed, and how long it took.
    pub async fn call(&self) -> Duration {
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        let arguments = json!({
            "agent_id": AGENT, "order_id": "ORD-1001", "customer_id": "CUST-77", "amount": 1,
            "currency": "USD", "region": "US", "reason_code": "customer_request",
            "idempotency_key": format!("bench-{}-{key:012}", std::process::id()),
        });
        let arguments = arguments.as_object().cloned().expect("an object");
        let params = CallToolRequestParams::new("process_refund").with_arguments(arguments);
        let start = Instant::now();
        let result = self.client.call_tool(params).await.expect("an answer");
        let took = start.elapsed();
        assert_ne!(result.is_error, Some(true), "{result:?}");
        took
    }

    /// So many calls by so many callers at a time.
    pub async fn calls(&self, times: usize, callers: usize) -> Vec<Duration> {
        let caller = || async {
            let mut times_taken = Vec::new();
            for _ in 0..times / callers {
                times_taken.push(self.call().await);
            }
            times_taken
        };
        let all = futures::future::join_all((0..callers).map(|_| caller())).await;
        all.into_iter().flatten().collect()
    }

    /// Memory that the process holds, in kilobytes; `None` where the system does not tell it as Linux does.
    pub fn resident(&self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process)).ok()?;
        let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// Time of the processors that the process has used, all its threads together; `None` where the system does
    /// not tell it as Linux does.
    pub fn processor_time(&self) -> Option<Duration> {
        // Linux counts it for programs in hundredths of a second, in the 12th and 13th field behind the name.
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process)).ok()?;
        let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
    }

    pub async fn stop(self) {
        let _ = self.client.cancel().await;
    }
}
