//! Who and what there is in a simulation.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aport_gate::Ledger;
use aport_gate::testing::{TestGate, TestPassport};
use serde_json::json;

use crate::agent::{Heard, Intention};
use crate::desk::{Books, Desk};
use crate::random::Random;
use crate::timeline::Timeline;
use crate::{agent, operator};

pub(crate) const AGENTS: [&str; 3] = ["ap_ada", "ap_bob", "ap_eve"];
const SESSIONS: usize = 2;
pub(crate) const PER_REFUND: u64 = 5000;
pub(crate) const PER_DAY: u64 = 60_000;
pub(crate) const PINGS_A_MINUTE: u64 = 3;

const PING: &str = r#"{
  "id": "acme.ping.v1", "name": "Pings", "version": "1.0.0", "status": "active",
  "requires_capabilities": ["acme.ping"], "min_assurance": "L0",
  "counters": [{ "name": "minute_pings", "kind": "count", "window": "minute" }],
  "required_context": {
    "type": "object", "required": ["note"], "properties": { "note": { "type": "string" } }
  },
  "evaluation_rules": [{
    "name": "minute_cap", "condition": "minute_pings < limits.per_minute",
    "deny_code": "oap.limit_exceeded", "message": "{used} pings were made this minute, the limit is {cap}"
  }]
}"#;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ledgers {
    /// One for each agent.
    Memory,
    /// One file for all.
    SharedFile,
}

impl Ledgers {
    /// Real time for a second: SQLite works in a thread of its own, and must not be too late for everything.
    pub(crate) fn pace(self) -> Duration {
        match self {
            Self::Memory => Duration::ZERO,
            Self::SharedFile => Duration::from_millis(2),
        }
    }

    /// More than one share their agent's caps through the file.
    fn gates_an_agent(self) -> usize {
        match self {
            Self::Memory => 1,
            Self::SharedFile => SESSIONS,
        }
    }

    fn begin(self) -> &'static str {
        match self {
            Self::Memory => "2026-03-01T23:00:00Z",
            Self::SharedFile => "2026-03-01T23:45:00Z",
        }
    }
}

pub(crate) struct World {
    pub(crate) timeline: Timeline,
    pub(crate) length: Duration,
    /// The gates of each agent, bound to it, as on a desktop with a server for each client.
    pub(crate) gates: Vec<Vec<TestGate>>,
    pub(crate) desk: Desk,
    pub(crate) ledgers: Ledgers,
    pub(crate) random: Mutex<Random>,
    /// Every intention so far, of all agents.
    pub(crate) intentions: Mutex<Vec<Intention>>,
    pub(crate) heard: Mutex<Vec<Heard>>,
    pub(crate) suspensions: Mutex<Vec<operator::Suspension>>,
    _file: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new(
        seed: u64,
        ledgers: Ledgers,
        timeline: Timeline,
        length: Duration,
    ) -> Arc<Self> {
        let mut random = Random::new(seed);
        let file = tempfile::tempdir().unwrap();
        let mut gates = Vec::new();
        for agent in AGENTS {
            let mut own = Vec::new();
            for _ in 0..ledgers.gates_an_agent() {
                let gate = gate(agent, ledgers, file.path().join("ledger.sqlite3")).await;
                timeline.moves(gate.clock());
                own.push(gate);
            }
            gates.push(own);
        }
        let desk = Desk {
            books: Arc::<Mutex<Books>>::default(),
            random: Arc::new(Mutex::new(random.fork())),
            timeline: timeline.clone(),
        };
        Arc::new(Self {
            timeline,
            length,
            gates,
            desk,
            ledgers,
            random: Mutex::new(random),
            intentions: Mutex::default(),
            heard: Mutex::default(),
            suspensions: Mutex::default(),
            _file: file,
        })
    }

    /// Everything, to its end.
    pub(crate) async fn live(self: &Arc<Self>) {
        let mut living = tokio::task::JoinSet::new();
        for who in 0..AGENTS.len() {
            for session in 0..SESSIONS {
                let random = self.fork();
                living.spawn(agent::live(Arc::clone(self), who, session, random));
            }
        }
        living.spawn(operator::work(Arc::clone(self), self.fork()));
        while let Some(ended) = living.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
        // The longest body takes less.
        self.timeline.sleep(Duration::from_secs(120)).await;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.timeline.now() >= self.length
    }

    pub(crate) fn fork(&self) -> Random {
        self.random.lock().unwrap().fork()
    }

    /// The ledgers that there are.
    pub(crate) fn ledgers(&self) -> Vec<Ledger> {
        let gates = self.gates.iter().flatten();
        let own = gates.map(|gate| gate.gate().ledger().clone());
        match self.ledgers {
            Ledgers::Memory => own.collect(),
            Ledgers::SharedFile => own.take(1).collect(),
        }
    }
}

pub(crate) fn passport(agent: &str, status: &str) -> TestPassport {
    let currencies = json!({ "USD": { "max_per_tx": PER_REFUND, "daily_cap": PER_DAY } });
    TestPassport::new(agent)
        .capability(
            "finance.payment.refund",
            json!({ "currency_limits": currencies, "reason_codes": ["customer_request"] }),
        )
        .capability("acme.ping", json!({ "per_minute": PINGS_A_MINUTE }))
        .field("status", status)
}

async fn gate(agent: &str, ledgers: Ledgers, file: PathBuf) -> TestGate {
    TestGate::builder()
        .passport(passport(agent, "active"))
        .pack(PING)
        .at(ledgers.begin())
        .configure(|builder| match ledgers {
            Ledgers::Memory => builder,
            Ledgers::SharedFile => builder.ledger(file).timeout(Duration::from_secs(60)),
        })
        .build()
        .await
}
