//! Values of the rule language: JSON, what rules make of it, and what is not there.

use super::ast::Expr;
use crate::AssuranceLevel;
use crate::json::whole;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cmp::Ordering;

/// Where something absent was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An optional field of the context. The one origin that [`Absent::Skip`](crate::Absent::Skip) forgives.
    Context,
    Limit,
    Passport,
    Policy,
    Counter,
    Fact,
    Item,
}

/// Something a rule asked for that is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absence<'a> {
    pub(crate) origin: Origin,
    pub(crate) expr: &'a Expr,
}

#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Cow<'a, str>),
    Level(AssuranceLevel),
    List(&'a [Value]),
    Items(Vec<Val<'a>>),
    Object(&'a Map<String, Value>),
    /// The keys of an object, as a list.
    Keys(&'a Map<String, Value>),
    /// Capabilities of the passport: objects that compare by their `id`.
    Capabilities(&'a [Value]),
    /// Idempotency keys seen before. Only membership can be asked.
    RecentKeys,
    /// Not there. False as a condition.
    Absent(Absence<'a>),
    /// Made from something absent: neither true nor false.
    Unknown(Absence<'a>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Truth<'a> {
    True,
    False,
    Unknown(Absence<'a>),
}

/// A rule that has no answer: a type mismatch, an overflow, or too much work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(pub(crate) String);

impl<'a> Absence<'a> {
    /// The one to report of two. An absent limit outweighs an absent optional field, or leaving out the
    /// field would excuse the missing limit.
    pub(crate) fn or(self, other: Self) -> Self {
        if self.origin == Origin::Context {
            other
        } else {
            self
        }
    }
}

impl<'a> Val<'a> {
    pub(crate) fn from_json(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => whole(number).map_or_else(
                || Self::Float(number.as_f64().unwrap_or(f64::NAN)),
                Self::Int,
            ),
            Value::String(text) => Self::Str(Cow::Borrowed(text)),
            Value::Array(items) => Self::List(items),
            Value::Object(map) => Self::Object(map),
        }
    }

    pub(crate) fn bool(truth: Truth<'a>) -> Self {
        match truth {
            Truth::True => Self::Bool(true),
            Truth::False => Self::Bool(false),
            Truth::Unknown(absence) => Self::Unknown(absence),
        }
    }

    /// What is missing, if this is not a present value.
    pub(crate) fn absence(&self) -> Option<Absence<'a>> {
        match self {
            Self::Absent(absence) | Self::Unknown(absence) => Some(*absence),
            _ => None,
        }
    }

    /// Truthiness as in JavaScript for what is present.
    pub(crate) fn truth(&self) -> Truth<'a> {
        let truthy = match self {
            Self::Unknown(absence) => return Truth::Unknown(*absence),
            Self::Null | Self::Absent(_) => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0 && !value.is_nan(),
            Self::Str(text) => !text.is_empty(),
            _ => true,
        };
        if truthy { Truth::True } else { Truth::False }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Str(_) => "a string",
            Self::Level(_) => "an assurance level",
            Self::List(_) | Self::Items(_) | Self::Keys(_) | Self::Capabilities(_) => "a list",
            Self::Object(_) => "an object",
            Self::RecentKeys => "the set of recent keys",
            Self::Absent(_) | Self::Unknown(_) => "absent",
        }
    }

    /// Whether both are of types that can be equal. `null` stands for any.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Null, _)
                | (_, Self::Null)
                | (Self::Level(_), Self::Str(_))
                | (Self::Str(_), Self::Level(_))
        ) || self.type_name() == other.type_name()
    }

    /// For reasons and their details.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => i64::try_from(*value)
                .map(Value::from)
                .or_else(|_| u64::try_from(*value).map(Value::from))
                .unwrap_or_else(|_| Value::String(value.to_string())),
            Self::Float(value) => Value::from(*value),
            Self::Str(text) => Value::String(text.to_string()),
            Self::Level(level) => Value::String(level.to_string()),
            Self::List(items) | Self::Capabilities(items) => Value::Array(items.to_vec()),
            Self::Items(items) => Value::Array(items.iter().map(Val::to_json).collect()),
            Self::Object(map) => Value::Object((*map).clone()),
            Self::Keys(map) => Value::Array(map.keys().cloned().map(Value::String).collect()),
            Self::Null | Self::RecentKeys | Self::Absent(_) | Self::Unknown(_) => Value::Null,
        }
    }
}

/// Compares without rounding the integer: 2^53 + 1 and 2^53 stay two numbers.
pub(crate) fn compare_int_float(int: i128, float: f64) -> Option<Ordering> {
    const BOUND: f64 = 1.0e38; // Below 2^127 = 1.7e38, and far above any integer of a document.
    if float.is_nan() {
        None
    } else if float >= BOUND {
        Some(Ordering::Less)
    } else if float <= -BOUND {
        Some(Ordering::Greater)
    } else {
        // Truncation is exact: the bound keeps it inside i128.
        Some(int.cmp(&(float.trunc() as i128)).then_with(|| {
            0.0_f64
                .partial_cmp(&float.fract())
                .unwrap_or(Ordering::Equal)
        }))
    }
}
