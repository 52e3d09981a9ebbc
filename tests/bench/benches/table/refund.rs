//! The refund pack, the agent and the calls that every engine is asked about.

use aport_gate_oap::{AgentId, Pack, Passport, Request, Usage, embedded_packs};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub const PACK_ID: &str = "finance.payment.refund.v1";
pub const AGENT: &str = "ap_bench_agent";

/// One call, and whether it is allowed.
pub struct Case {
    pub name: &'static str,
    pub context: Map<String, Value>,
    /// What the agent refunded today, in the currency of the call.
    pub daily_total: i64,
    pub key_seen: bool,
    pub allow: bool,
}

pub fn cases() -> Vec<Case> {
    let case = |name, change: Value, daily_total, key_seen, allow| {
        let mut context = context();
        if let Value::Object(change) = change {
            context.extend(change);
        }
        Case {
            name,
            context,
            daily_total,
            key_seen,
            allow,
        }
    };
    vec![
        case("within all limits", json!({}), 10_000, false, true),
        case(
            "same currency, stated",
            json!({"order_currency": "USD"}),
            0,
            false,
            true,
        ),
        case(
            "at the daily cap",
            json!({"amount": 5_000}),
            195_000,
            false,
            true,
        ),
        case(
            "over the transaction cap",
            json!({"amount": 50_001}),
            0,
            false,
            false,
        ),
        case("over the daily cap", json!({}), 198_000, false, false),
        case(
            "currency without limits",
            json!({"currency": "JPY"}),
            0,
            false,
            false,
        ),
        case(
            "another currency than paid",
            json!({"order_currency": "EUR"}),
            0,
            false,
            false,
        ),
        case(
            "unknown reason",
            json!({"reason_code": "because"}),
            0,
            false,
            false,
        ),
        case("key used before", json!({}), 0, true, false),
        case(
            "region not listed",
            json!({"region": "CN"}),
            0,
            false,
            false,
        ),
    ]
}

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

/// The embedded pack as it is.
pub fn pack() -> Pack {
    let (_, json) = embedded_packs()
        .iter()
        .find(|(id, _)| *id == PACK_ID)
        .expect("the refund pack");
    Pack::parse(json).expect("a pack")
}

/// The same pack without the JSON Schema of its context, which no other engine here checks.
pub fn rules_only() -> Pack {
    let mut document = pack().as_value().clone();
    let map = document.as_object_mut().expect("an object");
    map.remove("required_context");
    Pack::parse(document.to_string().as_bytes()).expect("a pack")
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

    pub fn usage(&self, case: &Case) -> Usage {
        let plan = self.pack.usage_plan(&self.request(&case.context));
        let counters = plan.counters.into_iter().map(|key| (key, case.daily_total));
        Usage {
            counters: counters.collect(),
            key_seen: case.key_seen,
        }
    }

    pub fn plan(&self, context: &Map<String, Value>) -> usize {
        self.pack.usage_plan(&self.request(context)).counters.len()
    }

    pub fn decide(&self, context: &Map<String, Value>, usage: &Usage) -> bool {
        self.pack.evaluate(&self.request(context), usage).allow
    }
}
