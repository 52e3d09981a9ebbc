//! Strict JSON: what two readers could understand differently is refused.

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::RefCell;
use std::fmt;

/// Deepest nesting of arrays and objects.
const MAX_DEPTH: usize = 64;

/// JSON that is not accepted, with where and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or something follows the value.
    #[error("{message}")]
    Syntax {
        /// What was wrong, with line and column.
        message: String,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
    /// An object has the same key twice. Readers disagree on which one counts.
    #[error("key `{path}` appears twice at line {line} column {column}; keep one of them")]
    DuplicateKey {
        /// Path of the key, such as `limits.max`.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
    /// Nested deeper than 64 levels.
    #[error("nested deeper than 64 levels at line {line} column {column}")]
    TooDeep {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
}

/// Parses exactly one JSON value: duplicate keys, nesting beyond 64 levels, a byte order mark and trailing data are
/// refused.
///
/// ```
/// let error = aport_gate_oap::parse_json(br#"{"limits": {"max": 1, "max": 9}}"#).unwrap_err();
/// assert!(error.to_string().contains("`limits.max` appears twice"));
/// ```
///
/// # Errors
/// [`JsonError`] with line and column.
pub fn parse_json(bytes: &[u8]) -> Result<Value, JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError::Syntax {
            message: "a byte order mark stands before the text; save it as UTF-8 without BOM at line 1 column 1"
                .to_owned(),
            line: 1,
            column: 1,
        });
    }
    let state = State::default();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = Strict {
        depth: 0,
        state: &state,
    }
    .deserialize(&mut deserializer)
    .and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match state.refusal.take() {
            Some(Refusal::Duplicate(path)) => JsonError::DuplicateKey { path, line, column },
            Some(Refusal::TooDeep) => JsonError::TooDeep { line, column },
            None => JsonError::Syntax {
                message: error.to_string(),
                line,
                column,
            },
        }
    })
}

/// The integer that a number is, also one that is written `100.0`: JSON has one kind of number, and a digest, a
/// schema and a rule must not take it for two.
pub(crate) fn whole(number: &Number) -> Option<i128> {
    /// Floats below it hold every integer (RFC 8785, section 3.2.2.3).
    const SAFE: f64 = 9_007_199_254_740_992.0;
    if let Some(int) = number.as_i64() {
        return Some(int.into());
    }
    if let Some(int) = number.as_u64() {
        return Some(int.into());
    }
    let float = number.as_f64()?;
    // Truncation is exact: there is no fraction, and the bound keeps it inside i128.
    (float.fract() == 0.0 && float.abs() < SAFE).then_some(float as i128)
}

#[derive(Default)]
struct State {
    path: RefCell<Vec<String>>,
    refusal: RefCell<Option<Refusal>>,
}

enum Refusal {
    Duplicate(String),
    TooDeep,
}

struct Strict<'s> {
    depth: usize,
    state: &'s State,
}

impl Strict<'_> {
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            self.state.refusal.replace(Some(Refusal::TooDeep));
            return Err(E::custom("nested too deep"));
        }
        Ok(Strict {
            depth: self.depth + 1,
            state: self.state,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            self.state.path.borrow_mut().push(list.len().to_string());
            let item = items.next_element_seed(self.inner()?)?;
            self.state.path.borrow_mut().pop();
            match item {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.state.path.borrow_mut().push(key.clone());
            if map.contains_key(&key) {
                let path = self.state.path.borrow().join(".");
                self.state.refusal.replace(Some(Refusal::Duplicate(path)));
                return Err(A::Error::custom("duplicate key"));
            }
            let value = entries.next_value_seed(self.inner()?)?;
            self.state.path.borrow_mut().pop();
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
