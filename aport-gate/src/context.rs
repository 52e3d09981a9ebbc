//! The fields a policy sees beside the tool's arguments.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::finite::json_of;

/// A context field could not be expressed as JSON.
#[derive(Debug, thiserror::Error)]
#[error("context field `{field}` cannot be expressed as JSON: {source}")]
pub struct ContextError {
    field: &'static str,
    source: serde_json::Error,
}

/// Collects the fields of `context(field = expr)`.
#[derive(Debug, Default)]
pub struct ContextFields(pub(crate) Map<String, Value>);

impl ContextFields {
    /// Adds one field; `null` counts as absent.
    ///
    /// # Errors
    /// When the value has no JSON form.
    pub fn field<T: Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<(), ContextError> {
        let value = Self::value(field, value)?;
        if !value.is_null() {
            self.0.insert(field.to_owned(), value);
        }
        Ok(())
    }

    pub(crate) fn value<T: Serialize + ?Sized>(
        field: &'static str,
        value: &T,
    ) -> Result<Value, ContextError> {
        json_of(value).map_err(|source| ContextError { field, source })
    }
}

/// A field of `context(…)` does not keep an argument of its name from the rules while the body sees it.
pub(crate) fn nothing_hidden(
    context: &Map<String, Value>,
    fields: &ContextFields,
) -> Result<(), String> {
    let differs = |(name, value): (&String, &Value)| {
        context.get(name).is_some_and(|argument| argument != value)
    };
    match fields.0.iter().find(|field| differs(*field)) {
        Some((name, _)) => Err(format!(
            "context field `{name}` would hide the argument of that name from the policy"
        )),
        None => Ok(()),
    }
}
