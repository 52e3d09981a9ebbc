//! Policy packs: what a call must carry, what the agent must hold, and the rules.

mod bind;
#[cfg(feature = "evaluate")]
mod call_kind;
mod embedded;
mod error;
pub(crate) mod read;
#[cfg(feature = "evaluate")]
mod reads;
mod rule;
pub(crate) mod tiers;

pub use embedded::embedded_packs;
pub use error::PackError;
#[cfg(feature = "evaluate")]
pub use reads::Reads;
pub use rule::{Rule, RuleProblem};

#[cfg(feature = "evaluate")]
pub(crate) use call_kind::CallKind;
pub(crate) use rule::Body;
#[cfg(feature = "evaluate")]
pub(crate) use rule::rule_of;

#[cfg(feature = "evaluate")]
use crate::condition::{
    ast::Expr, bound::LimitPaths, fields::FieldNames, program::Program, uses::LimitUse,
};
use crate::counter::{Counter, CounterUse};
use crate::{AssuranceLevel, Digest, PackId, digest_json, parse_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    /// Context fields that schema and rules ask for.
    #[cfg(feature = "evaluate")]
    fields: FieldNames,
    /// Limits that rules ask for by a fixed path.
    #[cfg(feature = "evaluate")]
    limit_paths: LimitPaths,
    /// What the conditions need limits to be.
    #[cfg(feature = "evaluate")]
    limit_uses: Vec<LimitUse>,
    idempotency_field: Option<String>,
    asks_recent_keys: bool,
    #[cfg(feature = "evaluate")]
    limit_scopes: Vec<String>,
    absent: Absent,
    #[cfg(feature = "evaluate")]
    approvals: Vec<crate::approval::Request>,
    /// Position of the first counter that the pack does not declare.
    #[cfg(feature = "evaluate")]
    undeclared_from: usize,
    /// Counters of one kind of call, by position.
    #[cfg(feature = "evaluate")]
    kinds: Vec<(usize, std::sync::Arc<CallKind>)>,
    /// Limits that a passport has to set.
    #[cfg(feature = "evaluate")]
    required_limits: Vec<crate::required_limits::RequiredLimit>,
    #[cfg(feature = "evaluate")]
    asks_allowlist: bool,
    #[cfg(feature = "evaluate")]
    pub(crate) schema: Option<crate::schema::Schema>,
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
        read::bounded(bytes)?;
        let value = parse_json(bytes)?;
        let map = value
            .as_object()
            .ok_or_else(|| read::wrong_type("(document)", "an object"))?;
        let id = PackId::parse(read::text(map, "id", "id")?)?;
        let capabilities = read::capabilities(map)?;
        let level = read::optional_text(map, "min_assurance", "min_assurance")?;
        let min_assurance = level.map_or(Ok(AssuranceLevel::L0), AssuranceLevel::parse)?;
        read::limits_required(map)?;
        let schema = map.get("required_context");
        if schema.is_some_and(|schema| !schema.is_object()) {
            return Err(read::wrong_type("required_context", "an object"));
        }
        let idempotency = map.get("idempotency").and_then(Value::as_object);
        let idempotency_field = idempotency
            .map(|map| read::text(map, "field", "idempotency.field").map(str::to_owned))
            .transpose()?;
        #[cfg(feature = "evaluate")]
        let mut fields = FieldNames::default();
        #[cfg(feature = "evaluate")]
        let compiled_schema = schema
            .map(|schema| crate::schema::Schema::compile(schema, &mut fields))
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
            rules: read::rules(map)?,
            counters: read::counters(map)?,
            uses: Vec::new(),
            #[cfg(feature = "evaluate")]
            keys: Vec::new(),
            #[cfg(feature = "evaluate")]
            fields,
            #[cfg(feature = "evaluate")]
            limit_paths: LimitPaths::default(),
            #[cfg(feature = "evaluate")]
            limit_uses: Vec::new(),
            idempotency_field,
            asks_recent_keys: false,
            absent: read::absent(map)?,
            #[cfg(feature = "evaluate")]
            approvals: crate::approval::requests(map),
            #[cfg(feature = "evaluate")]
            undeclared_from: 0,
            #[cfg(feature = "evaluate")]
            kinds: Vec::new(),
            #[cfg(feature = "evaluate")]
            required_limits: Vec::new(),
            #[cfg(feature = "evaluate")]
            asks_allowlist: read::flag(map, "mcp", "require_allowlisted_if_present"),
            #[cfg(feature = "evaluate")]
            schema: compiled_schema,
            value,
        };
        pack.bind_counters();
        #[cfg(feature = "evaluate")]
        {
            pack.mark_truths();
            pack.compile();
        }
        Ok(pack)
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
    pub(crate) fn field_names(&self) -> &FieldNames {
        &self.fields
    }

    pub(crate) fn limit_paths(&self) -> &LimitPaths {
        &self.limit_paths
    }

    pub(crate) fn limit_uses(&self) -> &[LimitUse] {
        &self.limit_uses
    }

    /// Whether `required_context` has the field as a number.
    fn declares_number(&self, name: &str) -> bool {
        let properties = self
            .required_context()
            .and_then(|schema| schema.get("properties"));
        let kind = properties.and_then(|properties| properties.get(name)?.get("type")?.as_str());
        matches!(kind, Some("integer" | "number"))
    }

    pub(crate) fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// Whether its rules read a usage counter of this name.
    #[must_use]
    pub fn has_counter(&self, name: &str) -> bool {
        self.counter_index(name).is_some()
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

    /// What the pack says about approval by a person.
    pub(crate) fn approvals(&self) -> &[crate::approval::Request] {
        &self.approvals
    }

    /// Whether a rule reads something of this name.
    pub(crate) fn names_limit(&self, name: &str) -> bool {
        self.rules.iter().any(|rule| match &rule.body {
            Body::Condition(condition) => {
                let mut found = false;
                condition.0.walk(&mut |part| {
                    found |= matches!(part, Expr::Field(_, field) if field == name);
                });
                found
            }
            Body::Validator(validator) => validator.reads_limit(name),
            Body::Unevaluable(_) => false,
        })
    }

    /// The only kind of call that a counter counts, if there is one.
    pub(crate) fn counted_kind(&self, counter: usize) -> Option<&CallKind> {
        let mut kinds = self.kinds.iter();
        kinds
            .find(|(at, _)| *at == counter)
            .map(|(_, kind)| &**kind)
    }

    /// The limits that a passport has to set and that some rule reads.
    pub(crate) fn required_limits(&self) -> &[crate::required_limits::RequiredLimit] {
        &self.required_limits
    }

    /// Whether the passport's MCP allowlist counts.
    pub(crate) fn asks_allowlist(&self) -> bool {
        self.asks_allowlist
    }
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
