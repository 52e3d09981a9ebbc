//! Ties rules to counters and keys, and compiles them.

#[cfg(feature = "evaluate")]
use super::Rule;
use super::{Body, Pack, read, tiers};
#[cfg(feature = "evaluate")]
use crate::condition::{bound::LimitPaths, program::Program, truth::Marker, uses::Uses};
use crate::counter::{Counter, CounterUse, RECENT_KEYS, Scan, built_in};
use crate::validator::Validator;

impl Pack {
    /// Ties the names in the conditions to counters, so that a request can be told what to read.
    pub(super) fn bind_counters(&mut self) {
        let mut counters = std::mem::take(&mut self.counters);
        let declared = counters.len();
        let mut rules = std::mem::take(&mut self.rules);
        for rule in &mut rules {
            let Body::Condition(condition) = &rule.body else {
                continue;
            };
            let mut too_many = false;
            let mut counter = |name: &str| {
                counters
                    .iter()
                    .position(|counter| counter.name == name)
                    .or_else(|| {
                        let found = built_in(name, |field| self.declares_field(field))?;
                        if counters.len() >= declared + read::MAX_COUNTERS {
                            too_many = true;
                            return None;
                        }
                        counters.push(found);
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
            if too_many {
                let most = read::MAX_COUNTERS;
                scanned = Err(format!(
                    "the rules name more than {most} counters that the pack does not declare"
                ));
            }
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
        // After the conditions: a key that they ask about goes before one that a validator could use.
        for rule in &rules {
            if let Body::Validator(validator) = &rule.body {
                self.bind_validator(*validator, &mut counters);
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
        #[cfg(feature = "evaluate")]
        self.bind_kinds(declared);
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

    /// Marks the paths in the conditions that stand where true or false is wanted.
    #[cfg(feature = "evaluate")]
    pub(super) fn mark_truths(&mut self) {
        let mut rules = std::mem::take(&mut self.rules);
        let is_counter = |name: &str| self.counter_index(name).is_some();
        let is_number = |name: &str| self.declares_number(name);
        let mut marker = Marker::new(&is_counter, &is_number);
        let mut all = Uses::default();
        let own: Vec<Uses> = rules
            .iter()
            .map(|rule| {
                let mut own = Uses::default();
                if let Body::Condition(condition) = &rule.body {
                    marker.uses(&condition.0, &mut own);
                    all.extend(&own);
                }
                own
            })
            .collect();
        for (rule, own) in rules.iter_mut().zip(&own) {
            if let Body::Condition(condition) = &mut rule.body {
                marker.mark(&mut condition.0, &all, own);
            }
        }
        self.limit_uses = all.limits();
        self.rules = rules;
    }

    #[cfg(feature = "evaluate")]
    /// Compiles what requests run, when counters and rules are final.
    pub(super) fn compile(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        let mut limits = LimitPaths::default();
        let recent = self.asks_recent_keys.then_some(RECENT_KEYS);
        let own = self.idempotency_field.as_deref();
        for name in ["region"].into_iter().chain(own).chain(recent) {
            fields.intern(name);
        }
        for counter in &self.counters {
            for name in counter.by.iter().chain(&counter.of).chain([&counter.name]) {
                fields.intern(name);
            }
        }
        let condition = |rule: &Rule| match &rule.body {
            Body::Condition(condition) => {
                Some(Program::new(&condition.0, self, &mut fields, &mut limits))
            }
            _ => None,
        };
        let programs: Vec<_> = self.rules.iter().map(condition).collect();
        let key = |found: &CounterUse| {
            let index = found.index.as_ref()?;
            Some(Program::new(index, self, &mut fields, &mut limits))
        };
        let keys = self.uses.iter().map(key).collect();
        self.required_limits = crate::required_limits::of_pack(self, &mut fields, &mut limits);
        (self.keys, self.fields, self.limit_paths) = (keys, fields, limits);
        for (rule, program) in self.rules.iter_mut().zip(programs) {
            rule.program = program;
        }
    }
}
