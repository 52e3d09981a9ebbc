//! Arguments that are neither stored nor logged, only their digest.
//!
//! A tool names context fields to be redacted. The rules and the body see them; what is recorded,
//! logged or answered holds [`Redacted::digest`] in their place:
//!
//! - a reason that may quote them is replaced ([`reasons`]),
//! - a fact that repeats one is redacted too ([`repeats`]),
//! - the context's digest is made over their digests,
//! - counters and idempotency keys made of them are stored as digests ([`kept`]).

mod kept;
mod key;
mod reasons;
mod repeats;

use std::borrow::Cow;

use aport_gate_oap::{CanonicalError, Digest, digest_json};
use serde_json::{Map, Value};

pub(crate) use self::kept::Kept;
pub(crate) use self::key::RedactionKeyFile;
use self::key::{NoRedactionKey, RedactionKey};
pub(crate) use self::reasons::redact;
pub(crate) use self::repeats::Secrets;

/// What of one call is neither stored nor logged.
#[derive(Clone, Debug)]
pub(crate) struct Redacted {
    /// As the tool names them.
    named: &'static [&'static str],
    /// Facts of this call that repeat a redacted value.
    repeated: Vec<String>,
    key: RedactionKey,
}

impl RedactionKeyFile {
    /// What a call of a tool redacts; nothing for a tool without redacted fields.
    pub(crate) fn redacted(
        &self,
        named: &'static [&'static str],
    ) -> Result<Option<Redacted>, NoRedactionKey> {
        if named.is_empty() {
            return Ok(None);
        }
        Ok(Some(Redacted {
            named,
            repeated: Vec::new(),
            key: self.key()?.clone(),
        }))
    }
}

impl Redacted {
    /// Whether a field of the context is redacted.
    pub(crate) fn hides(&self, field: &str) -> bool {
        self.fields().any(|hidden| hidden == field)
    }

    /// As [`hides`](Self::hides), for a field that a rule reads: `card` of a context with `card.number`.
    fn reaches(&self, read: &str) -> bool {
        self.fields().any(|hidden| is_of(hidden, read))
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        let named = self.named.iter().copied();
        named.chain(self.repeated.iter().map(String::as_str))
    }

    /// What stands in for a value: the same for the same value, and no way back to it without the key.
    pub(crate) fn digest(&self, value: &Value) -> Result<String, CanonicalError> {
        self.key.digest(value)
    }

    /// Fields of a context with digests in place of what is redacted.
    pub(crate) fn shown<'c>(
        &self,
        context: &'c Map<String, Value>,
    ) -> Result<Cow<'c, Map<String, Value>>, CanonicalError> {
        let mut shown = Cow::Borrowed(context);
        for field in self.fields() {
            if let Some(value) = context.get(field) {
                let digest = self.digest(value)?;
                shown.to_mut().insert(field.to_owned(), digest.into());
            }
        }
        Ok(shown)
    }

    /// The digest of a context, from which no redacted value can be guessed.
    pub(crate) fn context_digest(
        &self,
        context: &Map<String, Value>,
    ) -> Result<Digest, CanonicalError> {
        digest_json(&Value::Object(self.shown(context)?.into_owned()))
    }

    /// Redacts the facts of this call that repeat a redacted value.
    pub(crate) fn add_repeats(&mut self, secrets: &Secrets, facts: &Map<String, Value>) {
        let repeats = |(_, value): &(&String, &Value)| secrets.repeated_in(value);
        let found = facts.iter().filter(repeats);
        self.repeated = found.map(|(field, _)| field.clone()).collect();
    }
}

/// Whether a redacted field is the one that is read, or is found below its name.
fn is_of(hidden: &str, read: &str) -> bool {
    let rest = hidden.strip_prefix(read);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
