//! Where a measured gate keeps its ledger, and the agents that call it.

use super::refund::{PACK_ID, limits, regions};
use aport_gate::oap::AgentId;
use aport_gate::testing::decide;
use aport_gate::{Gate, GateBuilder};
use aport_gate_test_postgres::{Options, Server, database_on};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Memory,
    Sqlite,
    Postgres,
}

impl Place {
    /// The ledgers that can be measured here.
    pub fn all() -> Vec<Self> {
        let mut places = vec![Self::Memory, Self::Sqlite];
        match postgres() {
            Some(_) => places.push(Self::Postgres),
            None => println!(
                "\nPostgreSQL is not measured: neither APORT_TEST_POSTGRES nor the server's binaries are there."
            ),
        }
        places
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// URL of the server that `APORT_TEST_POSTGRES` names, else of a private one that keeps what it acknowledged,
/// as a real one does.
fn postgres() -> Option<&'static str> {
    static URL: OnceLock<Option<(String, Option<Server>)>> = OnceLock::new();
    let found = URL.get_or_init(|| match std::env::var("APORT_TEST_POSTGRES") {
        Ok(url) => Some((url, None)),
        Err(_) => {
            let options = Options {
                durable: true,
                ..Options::default()
            };
            Server::start(&options).map(|server| (server.url("postgres"), Some(server)))
        }
    });
    found.as_ref().map(|(url, _)| url.as_str())
}

/// A database of its own on the PostgreSQL server that is measured.
pub fn new_database() -> String {
    database_on(postgres().expect("a place that can be measured"))
}

/// A gate with passports for so many agents, in a folder that is removed with it.
#[derive(Clone)]
pub struct Scene {
    pub gate: Gate,
    agents: u64,
    calls: Arc<AtomicU64>,
    home: Arc<TempDir>,
}

impl Scene {
    pub async fn new(place: Place, agents: u64) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let passports = home.path().join("passports");
        std::fs::create_dir_all(&passports).expect("a folder");
        for number in 0..agents {
            let agent = agent(number);
            let file = passports.join(format!("{agent}.json"));
            std::fs::write(file, passport(agent.as_str()).to_string()).expect("a passport");
        }
        let builder = Gate::builder().home(home.path());
        Self::build(place, agents, home, builder).await
    }

    /// A gate for one agent, whose decisions come from the registry at `url`.
    pub async fn asking(url: &str, place: Place) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let builder = Gate::builder().home(home.path()).registry(url);
        Self::build(place, 1, home, builder).await
    }

    async fn build(place: Place, agents: u64, home: TempDir, builder: GateBuilder) -> Self {
        let builder = if agents == 1 {
            builder.agent(agent(0))
        } else {
            builder
        };
        let builder = match place {
            Place::Memory => builder.ledger_in_memory(),
            Place::Sqlite => builder.ledger(home.path().join("ledger.sqlite3")),
            Place::Postgres => {
                let server = postgres().expect("a place that can be measured");
                let url = tokio::task::spawn_blocking(|| database_on(server)).await;
                builder.postgres(url.expect("a database"))
            }
        };
        let gate = builder.build().await.expect("a gate");
        Self {
            gate,
            agents,
            calls: Arc::default(),
            home: Arc::new(home),
        }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// One whole decision of the next agent in turn, under a key of its own, with its outcome recorded.
    pub async fn decide(&self) {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let agent = agent(call % self.agents);
        let allowed = decide(&self.gate, PACK_ID, &agent, context(agent.as_str(), call)).await;
        assert_eq!(allowed, Ok(true));
    }

    /// So many decisions by so many callers at a time.
    pub async fn decide_together(&self, times: u32, callers: u32) {
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let scene = self.clone();
                let share = times / callers + u32::from(caller < times % callers);
                tokio::spawn(async move {
                    for _ in 0..share {
                        scene.decide().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a caller");
        }
    }
}

pub fn agent(number: u64) -> AgentId {
    AgentId::parse(&format!("ap_bench_{number}")).expect("an agent id")
}

pub fn passport(agent: &str) -> Value {
    let mut limits = limits();
    // Out of reach: what is measured are allowed calls.
    limits["currency_limits"]["USD"]["daily_cap"] = 9_007_199_254_740_991_u64.into();
    json!({
        "passport_id": agent, "spec_version": "oap/1.0", "owner_id": "org_bench",
        "status": "active", "assurance_level": "L3",
        "capabilities": [{"id": "finance.payment.refund"}],
        "limits": {"finance.payment.refund": limits},
        "regions": regions()
    })
}

pub fn context(agent: &str, call: u64) -> Map<String, Value> {
    let context = json!({
        "order_id": "ORD-1001", "customer_id": "CUST-77", "amount": 1, "currency": "USD", "region": "US",
        "reason_code": "customer_request", "idempotency_key": format!("bench-{call:012}"),
        "agent_id": agent, "policy_id": PACK_ID
    });
    context.as_object().cloned().expect("an object")
}
