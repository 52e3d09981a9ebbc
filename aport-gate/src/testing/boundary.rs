//! Tests at the limits of a passport: the limit is allowed, one beyond it is denied.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{ManualClock, TestPassport};
use crate::oap::{AgentId, CounterKey, Pack, Passport, Request, Usage};

/// Finds what the numbers in a passport's limits bound, by trying the values around each of them.
///
/// For every whole number in the limits it looks at two things that it may bound: an integer field
/// of the context (in `context`, or declared by the pack), and a counter, at what it holds after
/// the call. Nothing is taken from what the engine says about its limits, only whether it denies.
///
/// ```
/// use aport_gate::testing::{TestPassport, boundaries};
/// use aport_gate::oap::embedded_packs;
/// use serde_json::json;
///
/// let (_, pack) = embedded_packs()
///     .iter()
///     .find(|(id, _)| *id == "finance.payment.refund.v1")
///     .unwrap();
/// let passport = TestPassport::new("ap_desk").capability(
///     "finance.payment.refund",
///     json!({
///         "currency_limits": { "USD": { "max_per_tx": 5000, "daily_cap": 10000 } },
///         "reason_codes": ["customer_request"],
///     }),
/// );
/// let refund = json!({
///     "order_id": "order-1", "customer_id": "customer-1", "amount": 100, "currency": "USD",
///     "region": "US", "reason_code": "customer_request", "idempotency_key": "refund-0001",
/// });
///
/// let found = boundaries(pack, &passport, &refund);
/// found.check();
/// found.check_every_limit_counts();
/// assert_eq!(found.cases().len(), 3); // the amount twice, and the day's total
/// ```
///
/// # Panics
/// When pack or passport do not load, or the call in `context` is not allowed as it is.
#[track_caller]
pub fn boundaries(pack: &[u8], passport: &TestPassport, context: &Value) -> Boundaries {
    let trial = Trial::new(pack, passport, context);
    let mut found = Boundaries::default();
    for limit in trial.limits() {
        let before = found.cases.len();
        for measured in trial.measures() {
            found.cases.extend(trial.around(&limit, &measured));
        }
        if found.cases.len() == before {
            found.idle.push(limit.path.join("."));
        }
    }
    found
}

/// What [`boundaries`] found.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Boundaries {
    cases: Vec<BoundaryCase>,
    idle: Vec<String>,
}

/// One limit, what it bounds, and whether it does so exactly.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BoundaryCase {
    /// Where the number stands in the passport's limits.
    pub limit: String,
    /// The number.
    pub value: i64,
    /// What it bounds: a context field, or a counter.
    pub measured: String,
    /// The rule that denies.
    pub rule: String,
    /// The first value that is denied: one beyond the limit, or the limit itself where the rule is
    /// off by one.
    pub first_denied: i64,
    /// The call at the limit, for a test through the tool itself.
    pub context: Map<String, Value>,
}

impl Boundaries {
    /// Each limit with what it bounds.
    #[must_use]
    pub fn cases(&self) -> &[BoundaryCase] {
        &self.cases
    }

    /// Limits that no value around them made count, such as those of a currency that the call does
    /// not have.
    #[must_use]
    pub fn idle_limits(&self) -> &[String] {
        &self.idle
    }

    /// Demands that each limit is allowed and one beyond it is denied.
    ///
    /// # Panics
    /// With all limits for which it is otherwise, and when none was found at all.
    #[track_caller]
    pub fn check(&self) {
        assert!(
            !self.cases.is_empty(),
            "no number in the passport's limits bounds this call"
        );
        let off: Vec<_> = self
            .cases
            .iter()
            .filter(|case| case.first_denied == case.value)
            .map(|case| format!("\n  {case}"))
            .collect();
        assert!(
            off.is_empty(),
            "a limit is allowed and what is beyond it denied, but:{}",
            off.concat()
        );
    }

    /// Demands that every number in the passport's limits bounds something of this call.
    ///
    /// # Panics
    /// With those that do not: no rule reads them, or the call does not reach them.
    #[track_caller]
    pub fn check_every_limit_counts(&self) {
        assert!(
            self.idle.is_empty(),
            "these limits bound nothing of this call: {}",
            self.idle.join(", ")
        );
    }
}

impl fmt::Display for BoundaryCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            limit,
            value,
            measured,
            rule,
            first_denied,
            ..
        } = self;
        write!(
            f,
            "limit `{limit}` is {value}, and rule `{rule}` denies {measured} from {first_denied} on"
        )
    }
}

/// A whole number in the limits.
struct Limit {
    path: Vec<String>,
    value: i64,
}

/// What a limit may bound.
enum Measured {
    Field(String),
    /// With what one call adds.
    Counter(CounterKey, i64),
}

/// Rules that deny.
type Failing = BTreeSet<String>;

struct Trial {
    pack: Pack,
    agent: AgentId,
    document: Value,
    context: Map<String, Value>,
    now: Timestamp,
}

impl Trial {
    #[track_caller]
    fn new(pack: &[u8], passport: &TestPassport, context: &Value) -> Self {
        let pack = Pack::parse(pack).unwrap_or_else(|error| panic!("{error}"));
        let agent = AgentId::parse(passport.agent_id()).unwrap_or_else(|error| panic!("{error}"));
        let Value::Object(mut context) = context.clone() else {
            panic!("a context is a JSON object, not {context}")
        };
        // As the gate adds them.
        context.insert("agent_id".to_owned(), agent.as_str().into());
        context.insert("policy_id".to_owned(), pack.id().as_str().into());
        let trial = Self {
            pack,
            agent,
            document: passport.document(),
            context,
            now: ManualClock::default().now(),
        };
        let (evaluation, _) = trial.evaluate(&trial.document, &trial.context, &Usage::default());
        assert!(
            evaluation.allow,
            "the call is denied as it is: {:?}",
            evaluation.reasons
        );
        trial
    }

    #[track_caller]
    fn evaluate(
        &self,
        document: &Value,
        context: &Map<String, Value>,
        usage: &Usage,
    ) -> (crate::oap::Evaluation, Vec<CounterKey>) {
        let passport = Passport::parse(document.to_string().as_bytes())
            .unwrap_or_else(|error| panic!("{error}"));
        let request = Request {
            agent_id: &self.agent,
            passport: Some(&passport),
            context,
            tool: None,
            now: self.now,
        };
        let counters = self.pack.usage_plan(&request).counters;
        (self.pack.evaluate(&request, usage), counters)
    }

    /// The whole numbers in the limits, but for those of capabilities that the pack does not ask for.
    fn limits(&self) -> Vec<Limit> {
        let asked = self.pack.requires_capabilities().concat();
        let held = self.document.get("capabilities").and_then(Value::as_array);
        let others: Vec<_> = held
            .into_iter()
            .flatten()
            .filter_map(|capability| capability.get("id")?.as_str())
            .filter(|id| !asked.iter().any(|asked| asked == id))
            .collect();
        let mut limits = Vec::new();
        if let Some(Value::Object(roots)) = self.document.get("limits") {
            let mine = roots
                .iter()
                .filter(|(name, _)| !others.contains(&name.as_str()));
            for (name, value) in mine {
                walk(vec![name.clone()], value, &mut limits);
            }
        }
        limits
    }

    fn measures(&self) -> Vec<Measured> {
        let declared = self
            .pack
            .required_context()
            .and_then(|schema| schema.get("properties")?.as_object());
        let integers = declared
            .into_iter()
            .flatten()
            .filter(|(_, schema)| schema.get("type").and_then(Value::as_str) == Some("integer"));
        let mut fields: Vec<_> = integers.map(|(name, _)| name.clone()).collect();
        for (name, value) in &self.context {
            if value.is_i64() && !fields.contains(name) {
                fields.push(name.clone());
            }
        }
        let usage = Usage::default();
        let (evaluation, counters) = self.evaluate(&self.document, &self.context, &usage);
        let counters = counters.into_iter().map(|key| {
            let mut charges = evaluation.charges.iter();
            let charge = charges.find(|charge| charge.counter == key);
            Measured::Counter(key.clone(), charge.map_or(0, |charge| charge.amount))
        });
        fields
            .into_iter()
            .map(Measured::Field)
            .chain(counters)
            .collect()
    }

    /// Which rules begin to deny at the limit or one beyond it, upwards and downwards.
    fn around(&self, limit: &Limit, measured: &Measured) -> Vec<BoundaryCase> {
        let mut cases = Vec::new();
        for step in [1, -1] {
            for first_denied in [limit.value.saturating_add(step), limit.value] {
                let (Some(last), Some(first)) = (
                    self.failing(&self.document, measured, first_denied.saturating_sub(step)),
                    self.failing(&self.document, measured, first_denied),
                ) else {
                    continue;
                };
                // It is this number that bounds when moving the number moves the bound.
                let moved = limit.moved(&self.document, step);
                let Some(then) = self.failing(&moved, measured, first_denied) else {
                    continue;
                };
                let rules = first
                    .into_iter()
                    .filter(|rule| !last.contains(rule) && !then.contains(rule));
                cases.extend(rules.map(|rule| BoundaryCase {
                    limit: limit.path.join("."),
                    value: limit.value,
                    measured: measured.to_string(),
                    rule,
                    first_denied,
                    context: self.at(measured, limit.value).0,
                }));
            }
        }
        cases
    }

    /// The rules that deny when the field has, or the counter comes to, this value. None where the
    /// value cannot be.
    fn failing(&self, document: &Value, measured: &Measured, value: i64) -> Option<Failing> {
        let (context, usage) = self.at(measured, value);
        if usage.counters.values().any(|used| *used < 0) {
            return None;
        }
        let (evaluation, _) = self.evaluate(document, &context, &usage);
        let mut failing = Failing::new();
        for reason in evaluation.reasons {
            match reason.details {
                Some(details) if details.rule == "required_context" => return None,
                Some(details) => {
                    failing.insert(details.rule);
                }
                None => {}
            }
        }
        Some(failing)
    }

    fn at(&self, measured: &Measured, value: i64) -> (Map<String, Value>, Usage) {
        let (mut context, mut usage) = (self.context.clone(), Usage::default());
        match measured {
            Measured::Field(name) => {
                context.insert(name.clone(), value.into());
            }
            Measured::Counter(key, charge) => {
                let used = value.saturating_sub(*charge);
                usage.counters.insert(key.clone(), used);
            }
        }
        (context, usage)
    }
}

impl Limit {
    /// The passport with this number moved.
    fn moved(&self, document: &Value, by: i64) -> Value {
        let mut document = document.clone();
        let mut place = document.get_mut("limits");
        for name in &self.path {
            place = place.and_then(|value| value.get_mut(name));
        }
        if let Some(number) = place {
            *number = self.value.saturating_add(by).into();
        }
        document
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, "field `{name}`"),
            Self::Counter(key, _) => write!(f, "counter `{}`", key.counter),
        }
    }
}

fn walk(path: Vec<String>, value: &Value, limits: &mut Vec<Limit>) {
    if let Some(value) = value.as_i64() {
        limits.push(Limit { path, value });
    } else if let Value::Object(map) = value {
        for (name, value) in map {
            let mut path = path.clone();
            path.push(name.clone());
            walk(path, value, limits);
        }
    }
}
