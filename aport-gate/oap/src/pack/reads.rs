//! Which fields of a context a rule reads, and of which a counter's key is made.

use super::{Body, Pack};
use crate::condition::ast::{Expr, Function, Root};
use crate::counter::{Counter, RECENT_KEYS};

/// Fields of a context that something is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads<'p> {
    fields: Vec<&'p str>,
    any: bool,
}

impl<'p> Reads<'p> {
    /// Whether one of the fields is such a field. Always, where only a call shows what is read.
    #[must_use]
    pub fn touch(&self, is_such: impl Fn(&str) -> bool) -> bool {
        self.any || self.fields.iter().any(|field| is_such(field))
    }

    fn expr(&mut self, expr: &'p Expr, pack: &'p Pack) {
        match expr {
            Expr::Root(Root::Context) => self.any = true,
            Expr::Field(of, name) if matches!(**of, Expr::Root(Root::Context)) => {
                self.fields.push(name);
            }
            Expr::Index(of, index) if matches!(**of, Expr::Root(Root::Context)) => match &**index {
                Expr::Str(name) => self.fields.push(name),
                _ => self.any = true,
            },
            Expr::Name(name) if name == RECENT_KEYS => {
                self.fields.extend(pack.idempotency_field());
            }
            Expr::Name(name) => {
                self.fields.push(name);
                if let Some(at) = pack.counter_index(name) {
                    pack.counters()
                        .get(at)
                        .into_iter()
                        .for_each(|one| self.counter(one));
                    self.fields
                        .extend(pack.counted_kind(at).map(|kind| kind.field));
                }
            }
            other => {
                if matches!(other, Expr::Call(Function::RequiredAssuranceLevel, _)) {
                    self.fields.extend(["amount", "currency"]);
                }
                for child in other.children() {
                    self.expr(child, pack);
                }
            }
        }
    }

    fn counter(&mut self, counter: &'p Counter) {
        self.fields.extend(counter.of.as_deref());
        self.fields.extend(counter.by.iter().map(String::as_str));
    }
}

impl Pack {
    /// What a rule reads; none for a name that no rule has. A validator may read anything.
    #[must_use]
    pub fn rule_reads(&self, rule: &str) -> Option<Reads<'_>> {
        let rule = self.rules().iter().find(|known| known.name() == rule)?;
        let mut reads = Reads::default();
        match &rule.body {
            Body::Condition(condition) => reads.expr(&condition.0, self),
            Body::Validator(_) => reads.any = true,
            Body::Unevaluable(_) => {}
        }
        Some(reads)
    }

    /// What the keys of a counter are made of.
    #[must_use]
    pub fn counter_key_reads(&self, counter: &str) -> Reads<'_> {
        let mut reads = Reads::default();
        for (at, known) in self.counters().iter().enumerate() {
            if known.name != counter {
                continue;
            }
            reads.fields.extend(known.by.iter().map(String::as_str));
            let uses = self.uses.iter().filter(|found| found.counter == at);
            for index in uses.filter_map(|found| found.index.as_ref()) {
                reads.expr(index, self);
            }
        }
        reads
    }

    /// The field that a counter sums; none for a counter of calls.
    #[must_use]
    pub fn counter_sum(&self, counter: &str) -> Option<&str> {
        let known = self.counters().iter().find(|known| known.name == counter);
        known.and_then(|known| known.of.as_deref())
    }

    /// The fields whose sums the ledger keeps, without repeats.
    #[must_use]
    pub fn summed_fields(&self) -> Vec<&str> {
        let mut fields: Vec<&str> = self
            .counters()
            .iter()
            .filter_map(|counter| counter.of.as_deref())
            .collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// Whether the ledger compares values of the field: to split a counter, or to find a repeat.
    #[must_use]
    pub fn compares(&self, field: &str) -> bool {
        self.idempotency_field() == Some(field)
            || self.counters().iter().any(|counter| {
                self.counter_key_reads(&counter.name)
                    .touch(|read| read == field)
            })
    }
}

#[cfg(test)]
mod tests {
    use crate::Pack;
    use serde_json::json;

    fn pack(condition: &str) -> Pack {
        let json = json!({
            "id": "acme.door.v1", "name": "Doors", "version": "1.0.0", "requires_capabilities": ["acme.door"],
            "counters": [{"name": "opened", "kind": "count", "by": ["badge"], "window": "day"}],
            "idempotency": {"field": "key"},
            "evaluation_rules": [{"name": "r", "condition": condition, "deny_code": "oap.x"}]
        });
        Pack::parse(json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_rule_reads_what_its_condition_names_in_any_form() {
        for (condition, field) in [
            ("context.code == 1", "code"),
            ("code == 1", "code"),
            ("context[\"code\"] == 1", "code"),
            ("context.code.length < 3", "code"),
            ("limits.max[context.code] > 1", "code"),
            ("any(x == code for x in limits.codes)", "code"),
            ("opened < 3", "badge"),
            ("opened[code] < 3", "code"),
            ("context.key not in recent_keys", "key"),
            ("context[door] == 1", "anything"),
        ] {
            let pack = pack(condition);
            assert!(
                pack.problems().is_empty(),
                "{condition}: {:?}",
                pack.problems()
            );
            let reads = pack.rule_reads("r").unwrap();
            assert!(reads.touch(|read| read == field), "{condition}");
        }
        let reads = pack("limits.code > context.amount");
        assert!(!reads.rule_reads("r").unwrap().touch(|read| read == "code"));
    }

    #[test]
    fn the_ledger_compares_what_keys_are_made_of() {
        let pack = pack("opened[context.code] < 3");
        for field in ["badge", "code", "key"] {
            assert!(pack.compares(field), "{field}");
        }
        assert!(!pack.compares("door"));
    }
}
