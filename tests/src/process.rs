//! The example server as a child process, spoken to in raw JSON-RPC.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::binary::{server_binary, wait_for};

const ANSWER: Duration = Duration::from_secs(90);
const END: Duration = Duration::from_secs(30);

/// The server's command: `home` as `APORT_HOME`, then `envs`, and nothing else
/// of `APORT_*`, nor a key of GitHub or Stripe, from the environment of the tests.
#[must_use]
pub fn server_command(home: &Path, envs: &[(&str, &str)]) -> Command {
    let mut command = Command::new(server_binary());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["APORT_", "GITHUB_", "STRIPE_"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            command.env_remove(name);
        }
    }
    command
        .env("APORT_HOME", home)
        .envs(envs.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[derive(Default)]
struct Inbox {
    waiting: HashMap<u64, SyncSender<Value>>,
    not_mcp: Vec<String>,
    ended: bool,
}

/// A running server with one open MCP session. Many threads may call at once.
/// Ended when dropped.
pub struct ServerProcess {
    child: Mutex<Child>,
    input: Mutex<Option<ChildStdin>>,
    inbox: Arc<Mutex<Inbox>>,
    log: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
    next: AtomicU64,
}

impl ServerProcess {
    /// Starts the server and opens a session.
    ///
    /// # Panics
    /// When it does not start or does not answer in time.
    #[must_use]
    pub fn spawn(home: &Path, envs: &[(&str, &str)]) -> Self {
        let mut child = server_command(home, envs)
            .spawn()
            .expect("the server starts");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut errors = child.stderr.take().unwrap();
        let (inbox, log) = (
            Arc::<Mutex<Inbox>>::default(),
            Arc::<Mutex<Vec<u8>>>::default(),
        );
        let (delivered, logged) = (Arc::clone(&inbox), Arc::clone(&log));
        let readers = vec![
            std::thread::spawn(move || deliver(output, &delivered)),
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = errors.read(&mut bytes) {
                    logged.lock().unwrap().extend_from_slice(&bytes[..read]);
                }
            }),
        ];
        let server = Self {
            child: Mutex::new(child),
            input: Mutex::new(Some(input)),
            inbox,
            log,
            readers,
            next: AtomicU64::new(1),
        };
        let answer = server.request(
            "initialize",
            json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": { "name": "tests", "version": "1" },
            }),
        );
        assert!(
            answer["result"]["capabilities"]["tools"].is_object(),
            "{answer}"
        );
        server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        server
    }

    /// One request and its response, whole.
    ///
    /// # Panics
    /// When the server is gone or does not answer in time.
    pub fn request(&self, method: &str, params: Value) -> Value {
        self.try_request(method, params)
            .unwrap_or_else(|| panic!("the server is gone; its log: {}", self.log()))
    }

    /// One request and its response, or `None` when the server ended first.
    ///
    /// # Panics
    /// When a living server does not answer in time.
    pub fn try_request(&self, method: &str, params: Value) -> Option<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = sync_channel(1);
        {
            let mut inbox = self.inbox.lock().unwrap();
            if inbox.ended {
                return None;
            }
            inbox.waiting.insert(id, sender);
        }
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        match receiver.recv_timeout(ANSWER) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("no answer to `{method}`; the server's log: {}", self.log())
            }
        }
    }

    /// Calls a tool.
    ///
    /// # Panics
    /// When the server is gone, or answers with a protocol error.
    pub fn call_tool(&self, name: &str, arguments: Value, meta: Option<Value>) -> Answer {
        self.try_call_tool(name, arguments, meta)
            .unwrap_or_else(|| panic!("the server is gone; its log: {}", self.log()))
    }

    /// Calls a tool; `None` when the server ended first.
    ///
    /// # Panics
    /// When the answer is a protocol error.
    pub fn try_call_tool(
        &self,
        name: &str,
        arguments: Value,
        meta: Option<Value>,
    ) -> Option<Answer> {
        let mut params = json!({ "name": name, "arguments": arguments });
        if let Some(meta) = meta {
            params["_meta"] = meta;
        }
        let mut answer = self.try_request("tools/call", params)?;
        assert!(answer["result"].is_object(), "{answer}");
        Some(Answer(answer["result"].take()))
    }

    /// Kills the server at once, as a crash would.
    ///
    /// # Panics
    /// When it cannot be ended.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Closes the session and waits for the server to leave by itself.
    ///
    /// # Panics
    /// When it does not leave in time.
    pub fn leave(&self) -> bool {
        self.input.lock().unwrap().take();
        wait_for(&mut self.child.lock().unwrap(), END)
            .expect("the server leaves when its client does")
            .success()
    }

    /// Lines of standard output that were not JSON-RPC.
    ///
    /// # Panics
    /// Never, unless a reader did.
    #[must_use]
    pub fn not_mcp(&self) -> Vec<String> {
        self.inbox.lock().unwrap().not_mcp.clone()
    }

    /// What it wrote to standard error so far.
    ///
    /// # Panics
    /// Never, unless a reader did.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    // A broken pipe is a server that ended; whoever waits for its answer learns that.
    fn send(&self, message: &Value) {
        if let Some(input) = self.input.lock().unwrap().as_mut() {
            let _ = input.write_all(format!("{message}\n").as_bytes());
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if let Ok(child) = self.child.get_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

fn deliver(output: BufReader<std::process::ChildStdout>, inbox: &Mutex<Inbox>) {
    for line in output.lines() {
        let Ok(line) = line else { break };
        let mut inbox = inbox.lock().unwrap();
        match serde_json::from_str::<Value>(&line) {
            Ok(message) if message["jsonrpc"] == "2.0" => {
                let waiting = message["id"]
                    .as_u64()
                    .and_then(|id| inbox.waiting.remove(&id));
                if let Some(waiting) = waiting {
                    let _ = waiting.send(message);
                }
            }
            _ => inbox.not_mcp.push(line),
        }
    }
    let mut inbox = inbox.lock().unwrap();
    inbox.ended = true;
    inbox.waiting.clear();
}
