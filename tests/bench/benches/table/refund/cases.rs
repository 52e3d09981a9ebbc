//! The calls that every engine is asked about, and the pack in the forms that are compared.

use super::{Ours, PACK_ID, context};
use aport_gate_oap::{Pack, Usage, embedded_packs};
use serde_json::{Map, Value, json};

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

impl Ours {
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
}
