//! What a validator sees of one request, and what it answers.

use super::Validator;
use crate::condition::evaluator::Scene;
use crate::condition::explain::Finding;
use crate::counter::Unreadable;
use crate::explanation::Operand;
use crate::pack::{Body, Rule};
use crate::reason::bounded;
use serde_json::Value;
use std::cell::{Cell, RefCell};

/// Bytes of text that one validator may search, patterns times text.
const BUDGET: usize = 64 << 20;

/// One request, as a validator sees it. Remembers what was read, for explanations.
pub(crate) struct Call<'a> {
    scene: Scene<'a>,
    /// What was read, where somebody wants to know.
    seen: Option<RefCell<Vec<Operand>>>,
    left: Cell<usize>,
}

/// Why a validator did not let a call pass.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The call is against the rule.
    Denied(Box<Denial>),
    /// Something that the rule needs is not there.
    Missing {
        field: String,
        message: String,
        /// Whether it is a field of the context, which an operator may let pass.
        context: bool,
    },
    /// The rule has no answer: a field or limit of the wrong type, or too much work.
    Fault(String),
}

/// What was against the rule.
#[derive(Debug)]
pub(crate) struct Denial {
    /// Code where the rule's own would mislead.
    pub(crate) code: Option<&'static str>,
    pub(crate) finding: Finding,
}

impl Failure {
    pub(crate) fn denied(finding: Finding) -> Self {
        Self::Denied(Box::new(Denial {
            code: None,
            finding,
        }))
    }

    /// A field whose value is not accepted, with a sentence.
    pub(crate) fn of(field: &str, actual: impl Into<Value>, text: String) -> Self {
        Self::denied(Finding {
            field: Some(field.to_owned()),
            actual: Some(actual.into()),
            text: Some(text),
            ..Finding::default()
        })
    }

    pub(crate) fn with_limit(mut self, limit: impl Into<Value>) -> Self {
        if let Self::Denied(denial) = &mut self {
            denial.finding.limit = Some(limit.into());
        }
        self
    }

    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        if let Self::Denied(denial) = &mut self {
            denial.code = Some(code);
        }
        self
    }

    /// A field of the context that the rule cannot do without.
    pub(crate) fn missing_field(field: &str) -> Self {
        Self::Missing {
            field: format!("context.{field}"),
            message: format!("`context.{field}` is missing from the context"),
            context: true,
        }
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(scene: Scene<'a>) -> Self {
        Self {
            scene,
            seen: None,
            left: Cell::new(BUDGET),
        }
    }

    /// A call that remembers what is read.
    pub(crate) fn recording(scene: Scene<'a>) -> Self {
        Self {
            seen: Some(RefCell::default()),
            ..Self::new(scene)
        }
    }

    /// What was read so far.
    pub(crate) fn seen(self) -> Vec<Operand> {
        self.seen.map(RefCell::into_inner).unwrap_or_default()
    }

    pub(crate) fn saw(&self, expression: &str, value: Option<Value>) {
        let Some(seen) = &self.seen else { return };
        let mut seen = seen.borrow_mut();
        if !seen.iter().any(|operand| operand.expression == expression) {
            seen.push(Operand {
                expression: expression.to_owned(),
                note: None,
                value: value.map(bounded),
            });
        }
    }

    fn saw_value(&self, root: &str, name: &str, value: Option<&Value>) {
        if self.seen.is_some() {
            self.saw(&format!("{root}.{name}"), value.cloned());
        }
    }

    /// A field of the context. `null` counts as absent.
    pub(crate) fn field(&self, name: &str) -> Option<&'a Value> {
        let value = self
            .scene
            .context
            .get(name)
            .filter(|value| !value.is_null());
        self.saw_value("context", name, value);
        value
    }

    /// The first of several names under which tools pass one thing.
    pub(crate) fn text(
        &self,
        names: &[&'static str],
    ) -> Result<Option<(&'static str, &'a str)>, Failure> {
        for name in names {
            match self.scene.context.get(*name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => {
                    self.saw(&format!("context.{name}"), Some(text.as_str().into()));
                    return Ok(Some((name, text)));
                }
                Some(_) => return Err(wrong("context", name, "a string")),
            }
        }
        if let Some(name) = names.first() {
            self.saw(&format!("context.{name}"), None);
        }
        Ok(None)
    }

    /// Whether the context has the field, for facts that servers give under one of several names.
    pub(crate) fn scene_has(&self, name: &str) -> bool {
        self.scene
            .context
            .get(name)
            .is_some_and(|value| !value.is_null())
    }

    /// A text that may be long. Explanations show its length only.
    pub(crate) fn long_text(&self, name: &str) -> Result<Option<&'a str>, Failure> {
        match self.scene.context.get(name) {
            None | Some(Value::Null) => {
                self.saw(&format!("context.{name}"), None);
                Ok(None)
            }
            Some(Value::String(text)) => {
                self.saw(&format!("context.{name}.length"), Some(text.len().into()));
                Ok(Some(text))
            }
            Some(_) => Err(wrong("context", name, "a string")),
        }
    }

    /// Bytes of a value in its shortest JSON form.
    pub(crate) fn size_of(&self, name: &str) -> Option<u64> {
        let value = self
            .scene
            .context
            .get(name)
            .filter(|value| !value.is_null())?;
        let mut bytes = Counted(0);
        let size = serde_json::to_writer(&mut bytes, value).map_or(u64::MAX, |()| bytes.0);
        self.saw(&format!("context.{name} in bytes"), Some(size.into()));
        Some(size)
    }

    /// A field that is true or false.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(wrong("context", name, "true or false")),
        }
    }

    /// Whether another rule of the pack asks this validator, and the operator did not waive it.
    pub(crate) fn asks(&self, validator: Validator) -> bool {
        let asks = |rule: &&Rule| matches!(rule.body, Body::Validator(asked) if asked == validator);
        let mut rules = self.scene.pack.rules().iter().filter(asks);
        rules.any(|rule| !rule.is_waived())
    }

    /// A limit by name, looked up as `limits.name` is. `null` counts as absent.
    pub(crate) fn limit(&self, name: &str) -> Option<&'a Value> {
        let mut objects = self.scene.limit_objects();
        let found = objects.find_map(|limits| limits.get(name));
        let value = found.filter(|value| !value.is_null());
        self.saw_value("limits", name, value);
        value
    }

    /// Every limit that is set, by name; a nearer one hides one of the same name further out.
    pub(crate) fn limits(&self) -> Vec<(&'a str, &'a Value)> {
        let mut found: Vec<(&'a str, &'a Value)> = Vec::new();
        for (name, value) in self.scene.limit_objects().flatten() {
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name, value));
            }
        }
        found
    }

    /// The first of several names under which passports set one flag.
    pub(crate) fn limit_flag(&self, names: &[&str]) -> Result<Option<bool>, Failure> {
        for name in names {
            match self.limit(name) {
                None => {}
                Some(Value::Bool(flag)) => return Ok(Some(*flag)),
                Some(_) => return Err(wrong("limits", name, "true or false")),
            }
        }
        Ok(None)
    }

    /// All texts of all lists under these names; none when no list is set. Items may be objects with an `id`,
    /// `name` or `pattern`.
    pub(crate) fn limit_list(&self, names: &[&str]) -> Result<Option<Vec<&'a str>>, Failure> {
        let mut all: Option<Vec<&'a str>> = None;
        for name in names {
            let Some(value) = self.limit(name) else {
                continue;
            };
            let list = all.get_or_insert_default();
            let items = match value {
                Value::Array(items) => items.as_slice(),
                Value::String(_) => std::slice::from_ref(value),
                _ => return Err(wrong("limits", name, "a list of strings")),
            };
            for item in items {
                let text = item.as_str().or_else(|| {
                    ["pattern", "id", "name"]
                        .iter()
                        .find_map(|key| item.get(*key)?.as_str())
                });
                list.push(text.ok_or_else(|| wrong("limits", name, "a list of strings"))?);
            }
        }
        Ok(all)
    }

    /// A number that is not negative, under the first name that is set.
    pub(crate) fn limit_number(&self, names: &[&str]) -> Result<Option<(String, u64)>, Failure> {
        for name in names {
            if let Some(value) = self.limit(name) {
                let number = super::natural(value)
                    .ok_or_else(|| wrong("limits", name, "an integer that is not negative"))?;
                return Ok(Some(((*name).to_owned(), number)));
            }
        }
        Ok(None)
    }

    /// Ok unless the pack asks for such a limit in `limits_required`: then its absence is a failure.
    pub(crate) fn demand(&self, about: &dyn Fn(&str) -> bool) -> Result<(), Failure> {
        let required = self.scene.pack.as_value().get("limits_required");
        let names = required.and_then(Value::as_array).into_iter().flatten();
        match names.filter_map(Value::as_str).find(|name| about(name)) {
            None => Ok(()),
            Some(name) => Err(Failure::Missing {
                field: format!("limits.{name}"),
                message: format!("the passport sets no `limits.{name}`"),
                context: false,
            }),
        }
    }

    /// What a counter holds.
    pub(crate) fn used(&self, counter: &str) -> Result<i64, Failure> {
        let index = self.scene.pack.counter_index(counter);
        let reading = self
            .scene
            .readings
            .iter()
            .find(|reading| Some(reading.counter) == index);
        match reading.map(|reading| (&reading.key, reading.used)) {
            Some((Ok(_), used)) => {
                self.saw(counter, Some(used.into()));
                Ok(used)
            }
            Some((Err(Unreadable::Malformed(message)), _)) => Err(Failure::Fault(message.clone())),
            Some((Err(Unreadable::Absent), _)) | None => Err(Failure::Missing {
                field: counter.to_owned(),
                message: format!("counter `{counter}` has no value for this context"),
                context: false,
            }),
        }
    }

    /// Whether the ledger knows this value of the pack's key field; none when it was not asked about it.
    pub(crate) fn key_seen(&self, key: &str) -> Option<bool> {
        (self.scene.idempotency_key == Some(key)).then(|| {
            self.saw("used before", Some(self.scene.key_seen.into()));
            self.scene.key_seen
        })
    }

    /// Pays for searching `bytes` bytes.
    pub(crate) fn spend(&self, bytes: usize) -> Result<(), Failure> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(|| {
            Failure::Fault(format!("searches more than {} MiB of text", BUDGET >> 20))
        })
    }
}

/// Counts what is written to it.
struct Counted(u64);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn wrong(root: &str, name: &str, expected: &str) -> Failure {
    Failure::Fault(format!("`{root}.{name}` must be {expected}"))
}
