//! The example server as a child process, spoken to on standard input.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(60);
/// The demonstration's passport, which may refund.
pub(crate) const AGENT: &str = "ap_a2d10232c6534523812423eec8a1425c";

/// A folder for one server, with a passport in it.
pub(crate) fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let passports = home.path().join("passports");
    std::fs::create_dir(&passports).unwrap();
    let name = format!("{AGENT}.json");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("passports")
        .join(&name);
    std::fs::copy(ours, passports.join(name)).unwrap();
    home
}

/// The server, with nothing of the environment that could change what it does.
pub(crate) fn command(home: &Path, envs: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aport-gate-server"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let begins = ["APORT_", "OTEL_", "GITHUB_", "STRIPE_", "RUST_LOG"];
        if begins.iter().any(|begin| text.starts_with(begin)) || text.ends_with("_PROXY") {
            command.env_remove(&name);
        }
    }
    command
        .env("APORT_HOME", home)
        .env("APORT_AGENT_ID", AGENT)
        .envs(envs.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn refund(key: &str) -> Value {
    json!({
        "order_id": "order-hunter2", "customer_id": "customer-hunter2", "amount": 1200,
        "currency": "USD", "region": "US", "reason_code": "customer_request",
        "idempotency_key": key,
    })
}

pub(crate) struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    number: u64,
}

impl Session {
    pub(crate) fn open(home: &Path, envs: &[(&str, &str)]) -> Self {
        let mut child = command(home, envs).stdin(Stdio::piped()).spawn().unwrap();
        let mut session = Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            number: 0,
        };
        session.request(
            "initialize",
            &json!({
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "tests", "version": "1"},
            }),
        );
        session.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        session
    }

    pub(crate) fn call(&mut self, arguments: &Value, meta: Value) -> Value {
        let params = json!({"name": "process_refund", "arguments": arguments, "_meta": meta});
        self.request("tools/call", &params)["result"].take()
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let number = self.number;
        self.send(&json!({"jsonrpc": "2.0", "id": number, "method": method, "params": params}));
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        // Standard output has nothing but MCP.
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(answer["id"], number, "{answer}");
        answer
    }

    fn send(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.input
            .as_mut()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
    }

    /// Hangs up, and gives what it wrote besides: to its output, and to its log.
    pub(crate) fn leave(mut self) -> (ExitStatus, String, String) {
        drop(self.input.take());
        let (mut rest, mut log) = (String::new(), String::new());
        let status = ended(&mut self.child);
        self.output.read_to_string(&mut rest).unwrap();
        let mut errors = self.child.stderr.take().unwrap();
        errors.read_to_string(&mut log).unwrap();
        (status, rest, log)
    }
}

/// Waits for the end of a server that was asked to.
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begun.elapsed() > LONG {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
