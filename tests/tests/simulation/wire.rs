//! A session of MCP over a network that loses, delays, duplicates and breaks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aport_gate::{Gate, Server};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, WriteHalf, split,
};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::desk::{Desk, ping, refund};
use crate::random::Random;
use crate::timeline::Timeline;

/// None once the line is cut: the server sees its end.
type Writer = Arc<tokio::sync::Mutex<Option<WriteHalf<DuplexStream>>>>;

/// Clones are the same session.
#[derive(Clone)]
pub(crate) struct Wire {
    shared: Arc<Shared>,
    writer: Writer,
}

struct Shared {
    timeline: Timeline,
    state: Mutex<State>,
}

struct State {
    random: Random,
    faulty: bool,
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    tasks: Vec<AbortHandle>,
    broken: bool,
}

impl Wire {
    /// A session with a server of its own; nothing goes wrong before it is open.
    pub(crate) async fn open(gate: Gate, desk: Desk, random: Random) -> Self {
        let timeline = desk.timeline.clone();
        let (server_side, client_side) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            let server = Server::new(gate, desk).with_route(refund).with_route(ping);
            // It ends with its client.
            if let Ok(running) = server.serve_transport(server_side).await {
                let _ = running.waiting().await;
            }
        });
        let (reader, writer) = split(client_side);
        let state = State {
            random,
            faulty: false,
            next: 1,
            waiting: HashMap::new(),
            tasks: Vec::new(),
            broken: false,
        };
        let wire = Self {
            shared: Arc::new(Shared {
                timeline,
                state: Mutex::new(state),
            }),
            writer: Arc::new(tokio::sync::Mutex::new(Some(writer))),
        };
        let reading = wire.clone();
        wire.keep(tokio::spawn(async move {
            let mut lines = BufReader::new(reader).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                reading.carry(line, |wire, line| async move { wire.receive(&line) });
            }
            reading.cut();
        }));
        let (_, opened) = wire.ask(
            "initialize",
            json!({
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "simulation", "version": "1"},
            }),
        );
        opened.await.unwrap();
        wire.tell("notifications/initialized", json!({}));
        // Let it arrive.
        wire.shared.timeline.sleep(Duration::from_millis(1)).await;
        wire.state().faulty = true;
        wire
    }

    /// The same without faults from here on.
    pub(crate) fn heal(&self) {
        self.state().faulty = false;
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.state().broken
    }

    /// A request; its answer may never come.
    pub(crate) fn ask(&self, method: &str, params: Value) -> (u64, oneshot::Receiver<Value>) {
        let (sender, receiver) = oneshot::channel();
        let id = {
            let mut state = self.state();
            let id = state.next;
            state.next += 1;
            if !state.broken {
                state.waiting.insert(id, sender);
            }
            id
        };
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        (id, receiver)
    }

    pub(crate) fn tell(&self, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Hangs up, with whatever is on its way.
    pub(crate) fn cut(&self) {
        let mut state = self.state();
        state.broken = true;
        state.waiting.clear();
        for task in state.tasks.drain(..) {
            task.abort();
        }
        let writer = Arc::clone(&self.writer);
        tokio::spawn(async move { writer.lock().await.take() });
    }

    fn send(&self, message: Value) {
        self.carry(message.to_string() + "\n", |wire, line| async move {
            if let Some(writer) = wire.writer.lock().await.as_mut() {
                let _ = writer.write_all(line.as_bytes()).await;
            }
        });
    }

    fn receive(&self, line: &str) {
        let message: Value = serde_json::from_str(line).unwrap();
        let waiting = message["id"]
            .as_u64()
            .and_then(|id| self.state().waiting.remove(&id));
        if let Some(waiting) = waiting {
            let _ = waiting.send(message);
        }
    }

    /// What the network does with a message.
    fn carry<F>(&self, line: String, deliver: impl Fn(Self, String) -> F + Copy + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut delays = Vec::new();
        {
            let mut state = self.state();
            if state.broken {
                return;
            }
            if !state.faulty {
                delays.push(Duration::ZERO);
            } else if state.random.below(1000) < 4 {
                drop(state);
                return self.cut();
            } else if !state.random.percent(4) {
                let copies = if state.random.percent(6) { 2 } else { 1 };
                for _ in 0..copies {
                    let longest = if state.random.percent(25) { 4000 } else { 40 };
                    delays.push(state.random.milliseconds(longest));
                }
            }
        }
        for delay in delays {
            let (wire, line) = (self.clone(), line.clone());
            self.keep(tokio::spawn(async move {
                wire.shared.timeline.sleep(delay).await;
                deliver(wire, line).await;
            }));
        }
    }

    fn keep(&self, task: tokio::task::JoinHandle<()>) {
        let mut state = self.state();
        if state.broken {
            return task.abort();
        }
        state.tasks.retain(|task| !task.is_finished());
        state.tasks.push(task.abort_handle());
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}
