//! Policy packs: what a call must carry, what the agent must hold, and the rules.

mod embedded;
pub(crate) mod read;
mod rule;
pub(crate) mod tiers;

pub use embedded::embedded_packs;
pub use rule::{Rule, RuleProblem};

pub(crate) use rule::Body;
#[cfg(feature = "evaluate")]
pub(crate) use rule::rule_of;

#[cfg(feature = "evaluate")]
use crate::condition::program::Program;
use crate::counter::{Counter, CounterUse, RECENT_KEYS, Scan, built_in};
use crate::validator::Validator;
use crate::{
    AssuranceLevel, CanonicalError, Digest, InvalidPackId, JsonError, PackId, digest_json,
    parse_json,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tiers::Tier;

/// What a rule means when its answer hangs on a context field that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// The rule denies.
    #[default]
    Deny,
    /// The rule does not apply, when the field is optional. Absent limits, counters and facts still deny.
    /// Published packs rely on this reading.
    Skip,
}

/// A pack that was read and checked.
#[derive(Clone, Debug)]
pub struct Pack {
    value: Value,
    digest: Digest,
    id: PackId,
    name: String,
    capabilities: Vec<Vec<String>>,
    min_assurance: AssuranceLevel,
    tiers: Vec<Tier>,
    rules: Vec<Rule>,
    counters: Vec<Counter>,
    uses: Vec<CounterUse>,
    /// The keys of the counter uses, compiled; none where the counter's own fields make the key.
    #[cfg(feature = "evaluate")]
    keys: Vec<Option<Program>>,
    idempotency_field: Option<String>,
    asks_recent_keys: bool,
    #[cfg(feature = "evaluate")]
    limit_scopes: Vec<String>,
    absent: Absent,
    #[cfg(feature = "evaluate")]
    pub(crate) schema: Option<crate::schema::Schema>,
}

/// Why a document is not accepted as a pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Not acceptable JSON.
    #[error("pack is not acceptable JSON: {0}")]
    Json(#[from] JsonError),
    /// The id is malformed.
    #[error(transparent)]
    Id(#[from] InvalidPackId),
    /// A field that has to be there is not.
    #[error("pack has no `{field}`")]
    MissingField {
        /// Path of the field.
        field: String,
    },
    /// A field has another type or form.
    #[error("pack field `{field}` must be {expected}")]
    WrongType {
        /// Path of the field.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// Two rules or two counters have one name.
    #[error("pack has two {what}s named `{name}`; rename one")]
    Duplicate {
        /// Rule or counter.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Not an assurance level.
    #[error(transparent)]
    AssuranceLevel(#[from] crate::UnknownAssuranceLevel),
    /// `required_context` is no usable JSON Schema.
    #[error("`required_context` is no usable JSON Schema: {0}")]
    Schema(String),
    /// No rule of this name to waive.
    #[error("pack `{pack}` has no rule `{rule}`; its rules are {known}")]
    UnknownRule {
        /// Id of the pack.
        pack: PackId,
        /// The name that was given.
        rule: String,
        /// Names of the rules there are.
        known: String,
    },
    /// No canonical form, so no digest.
    #[error("pack cannot be digested: {0}")]
    Canonical(#[from] CanonicalError),
}

impl Pack {
    /// Reads a pack. Rules that cannot be evaluated do not fail it; see [`Pack::problems`].
    ///
    /// ```
    /// use aport_gate_oap::{Pack, embedded_packs};
    /// let (_, json) = embedded_packs()[0];
    /// let pack = Pack::parse(json)?;
    /// assert!(pack.problems().is_empty());
    /// # Ok::<(), aport_gate_oap::PackError>(())
    /// ```
    ///
    /// # Errors
    /// [`PackError`], which names the field.
    pub fn parse(bytes: &[u8]) -> Result<Self, PackError> {
        let value = parse_json(bytes)?;
        let map = value
            .as_object()
            .ok_or_else(|| read::wrong_type("(document)", "an object"))?;
        let id = PackId::parse(read::text(map, "id", "id")?)?;
        let capabilities = read::capabilities(map)?;
        let level = read::optional_text(map, "min_assurance", "min_assurance")?;
        let min_assurance = level.map_or(Ok(AssuranceLevel::L0), AssuranceLevel::parse)?;
        let schema = map.get("required_context");
        if schema.is_some_and(|schema| !schema.is_object()) {
            return Err(read::wrong_type("required_context", "an object"));
        }
        let idempotency = map.get("idempotency").and_then(Value::as_object);
        let idempotency_field = idempotency
            .map(|map| read::text(map, "field", "idempotency.field").map(str::to_owned))
            .transpose()?;
        let mut pack = Self {
            #[cfg(feature = "evaluate")]
            limit_scopes: limit_scopes(&id, &capabilities),
            digest: digest_json(&value)?,
            name: read::optional_text(map, "name", "name")?
                .unwrap_or(id.as_str())
                .to_owned(),
            id,
            capabilities,
            min_assurance,
            tiers: tiers::parse(map)?,
            rules: rules(map)?,
            counters: read::counters(map)?,
            uses: Vec::new(),
            #[cfg(feature = "evaluate")]
            keys: Vec::new(),
            idempotency_field,
            asks_recent_keys: false,
            absent: read::absent(map)?,
            #[cfg(feature = "evaluate")]
            schema: schema.map(crate::schema::Schema::compile).transpose()?,
            value,
        };
        pack.bind_counters();
        #[cfg(feature = "evaluate")]
        pack.compile();
        Ok(pack)
    }

    /// Ties the names in the conditions to counters, so that a request can be told what to read.
    fn bind_counters(&mut self) {
        let mut counters = std::mem::take(&mut self.counters);
        let declared = counters.len();
        let mut rules = std::mem::take(&mut self.rules);
        for rule in &mut rules {
            let condition = match &rule.body {
                Body::Condition(condition) => condition,
                Body::Validator(validator) => {
                    self.bind_validator(*validator, &mut counters);
                    continue;
                }
                Body::Unevaluable(_) => continue,
            };
            let mut counter = |name: &str| {
                counters
                    .iter()
                    .position(|counter| counter.name == name)
                    .or_else(|| {
                        counters.push(built_in(name, |field| self.declares_field(field))?);
                        Some(counters.len() - 1)
                    })
            };
            let mut scan = Scan {
                counter: &mut counter,
                uses: Vec::new(),
                key_field: None,
                asks_recent_keys: false,
            };
            let mut scanned = scan.expr(&condition.0, &mut Vec::new());
            let Scan {
                uses,
                key_field,
                asks_recent_keys,
                ..
            } = scan;
            if self.idempotency_field.is_none() {
                self.idempotency_field = key_field;
            }
            if asks_recent_keys && self.idempotency_field.is_none() {
                scanned = Err(format!(
                    "`{RECENT_KEYS}` needs an `idempotency` field in the pack"
                ));
            }
            if self.tiers.is_empty() && tiers::are_needed(condition) {
                scanned = Err(
                    "`getRequiredAssuranceLevel` needs `assurance_rules` in the pack".to_owned(),
                );
            }
            self.asks_recent_keys |= asks_recent_keys;
            for found in uses {
                if !self.uses.contains(&found) {
                    self.uses.push(found);
                }
            }
            if let Err(problem) = scanned {
                rule.body = Body::Unevaluable(problem);
            }
        }
        // What is declared is counted even where no rule reads it yet.
        for counter in 0..declared {
            if !self.uses.iter().any(|found| found.counter == counter) {
                self.uses.push(CounterUse {
                    counter,
                    index: None,
                    validator: None,
                });
            }
        }
        self.counters = counters;
        self.rules = rules;
    }

    /// Gives a validator its counters, and the field whose values the ledger remembers for it.
    fn bind_validator(&mut self, validator: Validator, counters: &mut Vec<Counter>) {
        for needed in validator.counters() {
            let known = counters.iter().position(|known| known.name == needed.name);
            let counter = known.unwrap_or_else(|| {
                counters.push(needed);
                counters.len() - 1
            });
            let found = CounterUse {
                counter,
                index: None,
                validator: Some(validator),
            };
            if !self.uses.contains(&found) {
                self.uses.push(found);
            }
        }
        if let Some(field) = validator.unique_field()
            && self.idempotency_field.is_none()
        {
            self.idempotency_field = Some(field.to_owned());
            self.asks_recent_keys = true;
        }
    }

    /// Id with version.
    #[must_use]
    pub fn id(&self) -> &PackId {
        &self.id
    }

    /// Name for people; the id where it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Digest of the document.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The document as it was read.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.value
    }

    /// JSON Schema of the context.
    #[must_use]
    pub fn required_context(&self) -> Option<&Value> {
        self.value.get("required_context")
    }

    /// Fields that every context must have, from `required_context.required`.
    #[must_use]
    pub fn required_fields(&self) -> Vec<&str> {
        let list = self
            .required_context()
            .and_then(|schema| schema.get("required")?.as_array());
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// Alternatives of capabilities: the agent must hold all of at least one. Without any requirement
    /// this is one empty alternative.
    #[must_use]
    pub fn requires_capabilities(&self) -> &[Vec<String>] {
        &self.capabilities
    }

    /// Lowest assurance level of the owner.
    #[must_use]
    pub fn min_assurance(&self) -> AssuranceLevel {
        self.min_assurance
    }

    /// The rules, in order of evaluation.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Rules that cannot be evaluated and are not waived. While there is one, every decision is a deny
    /// `oap.policy_error`.
    #[must_use]
    pub fn problems(&self) -> Vec<RuleProblem> {
        let problem = |rule: &Rule| match &rule.body {
            Body::Unevaluable(message) if !rule.waived => Some(RuleProblem {
                rule: rule.name().to_owned(),
                message: message.clone(),
            }),
            _ => None,
        };
        self.rules.iter().filter_map(problem).collect()
    }

    /// Whether decisions depend on counters or idempotency keys.
    #[must_use]
    pub fn uses_ledger(&self) -> bool {
        !self.uses.is_empty() || self.idempotency_field.is_some()
    }

    /// Context field with the idempotency key, if the pack has one.
    #[must_use]
    pub fn idempotency_field(&self) -> Option<&str> {
        self.idempotency_field.as_deref()
    }

    /// What absent fields mean.
    #[must_use]
    pub fn absent(&self) -> Absent {
        self.absent
    }

    /// The same pack under another reading of absent fields.
    #[must_use]
    pub fn with_absent(mut self, absent: Absent) -> Self {
        self.absent = absent;
        self
    }

    /// The same pack without one rule. Waiving is the operator's decision and weakens the pack.
    ///
    /// # Errors
    /// [`PackError::UnknownRule`] when no rule has this name.
    pub fn with_waived(mut self, rule: &str) -> Result<Self, PackError> {
        match self
            .rules
            .iter_mut()
            .find(|candidate| candidate.name() == rule)
        {
            Some(found) => {
                found.waived = true;
                Ok(self)
            }
            None => Err(PackError::UnknownRule {
                rule: rule.to_owned(),
                known: self
                    .rules
                    .iter()
                    .map(Rule::name)
                    .collect::<Vec<_>>()
                    .join(", "),
                pack: self.id,
            }),
        }
    }

    pub(crate) fn declares_field(&self, name: &str) -> bool {
        let properties = self
            .required_context()
            .and_then(|schema| schema.get("properties"));
        properties.is_some_and(|properties| properties.get(name).is_some())
    }
}

#[cfg(feature = "evaluate")]
impl Pack {
    /// Compiles what requests run, when counters and rules are final.
    fn compile(&mut self) {
        let condition = |rule: &Rule| match &rule.body {
            Body::Condition(condition) => Some(Program::new(&condition.0, self)),
            _ => None,
        };
        let programs: Vec<_> = self.rules.iter().map(condition).collect();
        let key = |found: &CounterUse| Some(Program::new(found.index.as_ref()?, self));
        self.keys = self.uses.iter().map(key).collect();
        for (rule, program) in self.rules.iter_mut().zip(programs) {
            rule.program = program;
        }
    }

    pub(crate) fn counters(&self) -> &[Counter] {
        &self.counters
    }

    pub(crate) fn counter_index(&self, name: &str) -> Option<usize> {
        self.counters
            .iter()
            .position(|counter| counter.name == name)
    }

    /// Each way in which the rules read a counter, and the program of its key.
    pub(crate) fn counter_uses(&self) -> impl Iterator<Item = (&CounterUse, Option<&Program>)> {
        self.uses.iter().zip(self.keys.iter().map(Option::as_ref))
    }

    pub(crate) fn asks_recent_keys(&self) -> bool {
        self.asks_recent_keys
    }

    /// Whether `scope` is a capability that this pack asks for, alone or with others.
    pub(crate) fn names_capability(&self, scope: &str) -> bool {
        self.capabilities
            .iter()
            .flatten()
            .any(|known| known == scope)
    }

    pub(crate) fn limit_scopes(&self) -> &[String] {
        &self.limit_scopes
    }

    pub(crate) fn required_assurance(&self, amount: i128) -> AssuranceLevel {
        tiers::required(&self.tiers, amount)
    }

    pub(crate) fn flag(&self, section: &str, key: &str) -> bool {
        self.value
            .as_object()
            .is_some_and(|map| read::flag(map, section, key))
    }
}

fn rules(map: &Map<String, Value>) -> Result<Vec<Rule>, PackError> {
    let field = "evaluation_rules";
    let list = map.get(field).ok_or_else(|| PackError::MissingField {
        field: field.to_owned(),
    })?;
    let list = list
        .as_array()
        .ok_or_else(|| read::wrong_type(field, "a list of rules"))?;
    let mut rules: Vec<Rule> = Vec::new();
    for (at, value) in list.iter().enumerate() {
        let rule = Rule::parse(value, at)?;
        if rules.iter().any(|known| known.name() == rule.name()) {
            return Err(PackError::Duplicate {
                what: "rule",
                name: rule.name().to_owned(),
            });
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// Where the passport's limits for this pack are looked up, in order.
#[cfg(feature = "evaluate")]
fn limit_scopes(id: &PackId, capabilities: &[Vec<String>]) -> Vec<String> {
    let family = std::iter::once(id.family());
    let mut scopes: Vec<String> = Vec::new();
    for scope in capabilities
        .iter()
        .flatten()
        .map(String::as_str)
        .chain(family)
    {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}
