//! The refund pack, the agent and the calls that every engine is asked about.

use aport_gate_oap::{AgentId, Pack, Passport, Request, Usage};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

#[cfg(feature = "peers")]
pub mod cases;

pub const PACK_ID: &str = "finance.payment.refund.v1";
pub const AGENT: &str = "ap_bench_agent";

pub fn context() -> Map<String, Value> {
    let context = json!({
        "order_id": "ORD-1001", "customer_id": "CUST-77", "amount": 5_000, "currency": "USD",
        "region": "US", "reason_code": "customer_request", "idempotency_key": "refund-ORD-1001",
        "agent_id": AGENT, "policy_id": PACK_ID
    });
    context.as_object().cloned().expect("an object")
}

pub fn limits() -> Value {
    json!({
        "currency_limits": {
            "USD": {"max_per_tx": 50_000, "daily_cap": 200_000},
            "EUR": {"max_per_tx": 45_000, "daily_cap": 180_000},
            "GBP": {"max_per_tx": 40_000, "daily_cap": 150_000}
        },
        "reason_codes": ["customer_request", "defective", "not_as_described", "fraud"]
    })
}

pub fn regions() -> Value {
    json!(["US", "CA", "EU"])
}

pub fn passport() -> Passport {
    let passport = json!({
        "passport_id": AGENT, "spec_version": "oap/1.0", "owner_id": "org_bench",
        "status": "active", "assurance_level": "L3",
        "capabilities": [{"id": "finance.payment.refund"}],
        "limits": {"finance.payment.refund": limits()},
        "regions": regions()
    });
    Passport::parse(passport.to_string().as_bytes()).expect("a passport")
}

/// The engine under measurement, with one agent and the time standing still.
pub struct Ours {
    pack: Pack,
    passport: Passport,
    agent: AgentId,
    now: Timestamp,
}

impl Ours {
    pub fn new(pack: Pack) -> Self {
        let now = "2026-01-02T03:04:05Z".parse().expect("a time");
        let agent = AgentId::parse(AGENT).expect("an agent id");
        Self {
            pack,
            passport: passport(),
            agent,
            now,
        }
    }

    pub fn request<'a>(&'a self, context: &'a Map<String, Value>) -> Request<'a> {
        Request {
            agent_id: &self.agent,
            passport: Some(&self.passport),
            context,
            tool: Some("process_refund"),
            now: self.now,
        }
    }

    pub fn decide(&self, context: &Map<String, Value>, usage: &Usage) -> bool {
        self.pack.evaluate(&self.request(context), usage).allow
    }
}
