//! The refund pack's conditions as other engines write them. Policy and agent are prepared outside of what is
//! measured, and so is the form in which each wants its input.

use super::refund::cases::Case;
use super::refund::{AGENT, limits, regions};
use serde_json::{Value, json};

pub trait Peer {
    /// Prepares one call; the closure answers it.
    fn call<'a>(&'a self, case: &Case) -> Box<dyn FnMut() -> bool + 'a>;
}

fn input(case: &Case) -> Value {
    let mut input = Value::Object(case.context.clone());
    input["daily_total"] = case.daily_total.into();
    input["key_seen"] = case.key_seen.into();
    input
}

pub struct Cedar {
    authorizer: cedar_policy::Authorizer,
    policies: cedar_policy::PolicySet,
    entities: cedar_policy::Entities,
}

// Tags, not a record: Cedar has no attribute access by a computed name.
const CEDAR: &str = r#"
permit(principal, action == Action::"refund", resource) when {
  principal.active && principal.assurance >= 2 &&
  principal.capabilities.contains("finance.payment.refund") &&
  principal.regions.contains(context.region) &&
  principal.hasTag(context.currency) &&
  context.amount <= principal.getTag(context.currency).max_per_tx &&
  context.daily_total + context.amount <= principal.getTag(context.currency).daily_cap &&
  principal.reason_codes.contains(context.reason_code) &&
  (!(context has order_currency) || context.order_currency == context.currency) &&
  !context.key_seen
};"#;

impl Cedar {
    pub fn new() -> Self {
        let limits = limits();
        let entities = json!([{
            "uid": {"type": "Agent", "id": AGENT}, "parents": [],
            "attrs": {
                "active": true, "assurance": 3, "capabilities": ["finance.payment.refund"],
                "regions": regions(), "reason_codes": limits["reason_codes"]
            },
            "tags": limits["currency_limits"]
        }]);
        Self {
            authorizer: cedar_policy::Authorizer::new(),
            policies: CEDAR.parse().expect("a policy"),
            entities: cedar_policy::Entities::from_json_value(entities, None).expect("entities"),
        }
    }
}

impl Peer for Cedar {
    fn call<'a>(&'a self, case: &Case) -> Box<dyn FnMut() -> bool + 'a> {
        let context = cedar_policy::Context::from_json_value(input(case), None).expect("a context");
        let uid = |text: &str| {
            text.parse::<cedar_policy::EntityUid>()
                .expect("an entity uid")
        };
        let request = cedar_policy::Request::new(
            uid(&format!("Agent::\"{AGENT}\"")),
            uid("Action::\"refund\""),
            uid("Desk::\"refunds\""),
            context,
            None,
        )
        .expect("a request");
        Box::new(move || {
            let answer = self
                .authorizer
                .is_authorized(&request, &self.policies, &self.entities);
            answer.decision() == cedar_policy::Decision::Allow
        })
    }
}

pub struct Regorus(regorus::CompiledPolicy);

const REGO: &str = r#"
package refund
import rego.v1
default allow := false
allow if {
  data.agent.active
  data.agent.assurance >= 2
  "finance.payment.refund" in data.agent.capabilities
  input.region in data.agent.regions
  limit := data.agent.currency_limits[input.currency]
  input.amount <= limit.max_per_tx
  input.daily_total + input.amount <= limit.daily_cap
  input.reason_code in data.agent.reason_codes
  object.get(input, "order_currency", input.currency) == input.currency
  not input.key_seen
}"#;

impl Regorus {
    pub fn new() -> Self {
        let mut agent = limits();
        agent["active"] = true.into();
        agent["assurance"] = 3.into();
        agent["capabilities"] = json!(["finance.payment.refund"]);
        agent["regions"] = regions();
        let data = json!({"agent": agent}).to_string();
        let mut engine = regorus::Engine::new();
        engine
            .add_policy("refund.rego".to_owned(), REGO.to_owned())
            .expect("a policy");
        engine.add_data_json(&data).expect("data");
        Self(
            engine
                .compile_with_entrypoint(&"data.refund.allow".into())
                .expect("an entry point"),
        )
    }
}

impl Peer for Regorus {
    fn call<'a>(&'a self, case: &Case) -> Box<dyn FnMut() -> bool + 'a> {
        let input = regorus::Value::from_json_str(&input(case).to_string()).expect("input");
        Box::new(move || {
            let answer = self.0.eval_with_input(input.clone());
            answer.is_ok_and(|answer| answer == regorus::Value::from(true))
        })
    }
}

pub struct Cel(cel::Program);

const CEL: &str = r#"
agent.active && agent.assurance >= 2 && "finance.payment.refund" in agent.capabilities &&
input.region in agent.regions && input.currency in agent.currency_limits &&
input.amount <= agent.currency_limits[input.currency].max_per_tx &&
input.daily_total + input.amount <= agent.currency_limits[input.currency].daily_cap &&
input.reason_code in agent.reason_codes &&
(!has(input.order_currency) || input.order_currency == input.currency) && !input.key_seen"#;

impl Cel {
    pub fn new() -> Self {
        Self(cel::Program::compile(CEL).expect("a program"))
    }
}

impl Peer for Cel {
    fn call<'a>(&'a self, case: &Case) -> Box<dyn FnMut() -> bool + 'a> {
        let mut agent = limits();
        agent["active"] = true.into();
        agent["assurance"] = 3.into();
        agent["capabilities"] = json!(["finance.payment.refund"]);
        agent["regions"] = regions();
        let mut context = cel::Context::default();
        context.add_variable("agent", agent).expect("a variable");
        context
            .add_variable("input", input(case))
            .expect("a variable");
        Box::new(move || self.0.execute(&context) == Ok(cel::Value::Bool(true)))
    }
}
