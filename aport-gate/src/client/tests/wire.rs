//! A server that speaks raw JSON-RPC over a pipe, fails as a script says, and counts what it executes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex,
    split,
};

use super::AGENT;
use crate::client::{ClientError, PassportClient};

/// What becomes of one `tools/call`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    AnsweredTwice,
    /// The server dies first.
    DiedBefore,
    /// The server dies after the body ran.
    DiedAfter,
    /// The body ran, and nobody ever answers.
    Lost,
    /// The request got lost on the way.
    Ignored,
    /// The body ran; the answer comes when nobody waits any more.
    Late,
    /// Denied, with what would pass.
    TooMuch,
    /// The gate could not decide.
    Undecided,
    /// Something that is no answer, then the end.
    Garbage,
    /// Answered, and the tools are others from now on.
    Changed,
    /// A day's calls are used up.
    Full,
    /// An error of JSON-RPC, after the body ran.
    Failed,
}

pub(super) const FATES: [Fate; 10] = [
    Fate::Answered,
    Fate::AnsweredTwice,
    Fate::DiedBefore,
    Fate::DiedAfter,
    Fate::Lost,
    Fate::Ignored,
    Fate::Late,
    Fate::TooMuch,
    Fate::Undecided,
    Fate::Garbage,
];

/// Outlives its connections, as a server's books outlive its processes.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) executions: u32,
    pub(super) calls: Vec<Value>,
    pub(super) connections: u32,
    pub(super) listings: u32,
    used: BTreeSet<String>,
}

#[derive(Clone)]
pub(super) struct Wire {
    pub(super) books: Arc<Mutex<Books>>,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    tools: Arc<Mutex<Value>>,
    /// How long a listing holds, where it says so.
    ttl_ms: Arc<Mutex<Option<Value>>>,
    /// The decision that comes with a result.
    decision: Arc<Mutex<Value>>,
}

/// One tool of each kind: `plain` may execute twice, `keyed` consumes a key, `harmless` says it is idempotent.
pub(super) fn tools() -> Value {
    let schema = json!({ "type": "object", "properties": {
        "amount": { "type": "integer" }, "idempotency_key": { "type": "string" } } });
    let policy = json!({ "pack": "a.b.v1", "idempotency": "idempotency_key" });
    json!([
        { "name": "plain", "inputSchema": schema },
        { "name": "keyed", "inputSchema": schema, "_meta": { "io.aport/policy": policy } },
        { "name": "harmless", "inputSchema": schema, "annotations": { "idempotentHint": true } },
    ])
}

impl Wire {
    pub(super) fn new(fates: impl IntoIterator<Item = Fate>) -> Self {
        Self {
            books: Arc::default(),
            fates: Arc::new(Mutex::new(fates.into_iter().collect())),
            tools: Arc::new(Mutex::new(tools())),
            ttl_ms: Arc::default(),
            decision: Arc::new(Mutex::new(json!({ "allow": true, "decision_id": "dec-1",
                "policy_id": "a.b.v1", "agent_id": AGENT, "reasons": [] }))),
        }
    }

    pub(super) fn hold(&self, ttl_ms: impl Into<Value>) {
        *self.ttl_ms.lock().unwrap() = Some(ttl_ms.into());
    }

    pub(super) fn decide(&self, decision: Value) {
        *self.decision.lock().unwrap() = decision;
    }

    pub(super) fn list(&self, tools: Value) {
        *self.tools.lock().unwrap() = tools;
    }

    pub(super) async fn connect(&self) -> Result<PassportClient, ClientError> {
        let wire = self.clone();
        let start = move || std::future::ready(Ok::<_, String>(wire.start()));
        PassportClient::with_connector(start, AGENT).await
    }

    pub(super) fn start(&self) -> DuplexStream {
        let (client, server) = duplex(1 << 16);
        self.books.lock().unwrap().connections += 1;
        tokio::spawn(self.clone().serve(server));
        client
    }

    pub(super) fn executions(&self) -> u32 {
        self.books.lock().unwrap().executions
    }

    pub(super) fn calls(&self) -> Vec<Value> {
        self.books.lock().unwrap().calls.clone()
    }

    async fn serve(self, pipe: DuplexStream) {
        let (reading, mut writing): (ReadHalf<_>, WriteHalf<_>) = split(pipe);
        let mut lines = BufReader::new(reading).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let request: Value = serde_json::from_str(&line).unwrap();
            let id = &request["id"];
            let answers = match request["method"].as_str().unwrap_or_default() {
                // A server of the older protocol.
                "server/discover" => vec![json!({ "jsonrpc": "2.0", "id": id,
                    "error": { "code": -32601, "message": "no such method" } })],
                "initialize" => vec![result(
                    id,
                    json!({ "protocolVersion": "2025-06-18",
                    "capabilities": { "tools": { "listChanged": true } },
                    "serverInfo": { "name": "wire", "version": "1" } }),
                )],
                "tools/list" => {
                    self.books.lock().unwrap().listings += 1;
                    let tools = self.tools.lock().unwrap().clone();
                    let mut listed = json!({ "tools": tools });
                    if let Some(ttl) = &*self.ttl_ms.lock().unwrap() {
                        listed["ttlMs"] = ttl.clone();
                    }
                    vec![result(id, listed)]
                }
                "tools/call" => match self.call(&request).await {
                    Some(answers) => answers,
                    None => return,
                },
                _ => Vec::new(),
            };
            for answer in answers {
                let line = format!("{answer}\n");
                if writing.write_all(line.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }

    /// `None` ends the connection.
    async fn call(&self, request: &Value) -> Option<Vec<Value>> {
        let fate = self.fates.lock().unwrap().pop_front();
        let fate = fate.unwrap_or(Fate::Answered);
        let (id, params) = (&request["id"], &request["params"]);
        self.books.lock().unwrap().calls.push(params.clone());
        match fate {
            Fate::DiedBefore => return None,
            Fate::Ignored => return Some(Vec::new()),
            Fate::TooMuch => return Some(vec![denied(id, over(params))]),
            Fate::Full => {
                let details = json!({ "rule": "daily_cap", "field": "daily_count",
                    "actual": 3, "limit": 3, "used": 3, "cap": 3 });
                let reason = json!({ "code": "oap.limit_exceeded", "details": details });
                return Some(vec![denied(id, reason)]);
            }
            Fate::Undecided => {
                let reason = json!({ "code": "gate.ledger_unavailable", "message": "busy" });
                return Some(vec![denied(id, reason)]);
            }
            Fate::Garbage => {
                return Some(vec![
                    json!("what?"),
                    json!({ "jsonrpc": "2.0", "id": 9999, "result": {} }),
                ]);
            }
            _ => {}
        }
        let answer = self.execute(id, params);
        match fate {
            Fate::DiedAfter => None,
            Fate::Lost => Some(Vec::new()),
            Fate::Late => {
                tokio::time::sleep(Duration::from_millis(450)).await;
                Some(vec![answer])
            }
            Fate::Changed => Some(vec![
                json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }),
                answer,
            ]),
            Fate::Failed => Some(vec![json!({ "jsonrpc": "2.0", "id": id,
                "error": { "code": -32603, "message": "boom" } })]),
            Fate::AnsweredTwice => Some(vec![answer.clone(), answer]),
            _ => Some(vec![answer]),
        }
    }

    fn execute(&self, id: &Value, params: &Value) -> Value {
        let mut books = self.books.lock().unwrap();
        if params["name"] == "keyed" {
            let key = params["arguments"]["idempotency_key"]
                .as_str()
                .unwrap_or_default();
            if !books.used.insert(key.to_owned()) {
                let reason = json!({ "code": "oap.idempotency_conflict", "message": "used" });
                return denied(id, reason);
            }
        }
        books.executions += 1;
        result(
            id,
            json!({ "content": [{ "type": "text", "text": "done" }],
            "_meta": { "io.aport/decision": *self.decision.lock().unwrap() } }),
        )
    }
}

pub(super) fn result(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

pub(super) fn denied(id: &Value, reason: Value) -> Value {
    let decision = json!({ "allow": false, "decision_id": "dec-0", "reasons": [reason] });
    result(
        id,
        json!({ "isError": true, "content": [{ "type": "text", "text": "Policy denied" }],
        "_meta": { "io.aport/decision": decision } }),
    )
}

fn over(params: &Value) -> Value {
    let amount = params["arguments"]["amount"].as_i64().unwrap_or_default();
    json!({ "code": "oap.limit_exceeded", "message": "too much", "details": {
        "rule": "cap", "field": "amount", "actual": amount, "limit": amount - 1 } })
}

/// SplitMix64: the same fates for the same seed.
pub(super) fn fates_of(seed: u64) -> Vec<Fate> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        FATES[usize::try_from((mixed ^ (mixed >> 31)) % 10).unwrap()]
    };
    (0..6).map(|_| next()).collect()
}

/// How often each fate comes in all seeds of a test.
pub(super) fn spread(seeds: u64) -> BTreeMap<String, u32> {
    let mut spread = BTreeMap::new();
    for fate in (0..seeds).flat_map(fates_of) {
        *spread.entry(format!("{fate:?}")).or_default() += 1;
    }
    spread
}
