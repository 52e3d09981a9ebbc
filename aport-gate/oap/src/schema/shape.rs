//! The part of JSON Schema that contexts are described with, checked in place and without an allocation. A schema
//! that says more than this is left to the full validator, whole or by property.

use super::validator;
use crate::PackError;
use crate::condition::fields::{FieldNames, Fields};
use crate::condition::value::compare_int_float;
use jsonschema::Validator;
use serde_json::{Map, Number, Value};
use std::cmp::Ordering;
use std::collections::HashMap;

/// A schema of an object, property by property.
pub(super) struct Shape {
    properties: Vec<Property>,
    /// Whether fields beyond the properties are refused.
    closed: bool,
}

struct Property {
    /// Among the pack's field names.
    position: usize,
    required: bool,
    check: Check,
}

enum Check {
    Anything,
    Nothing,
    Plain(Plain),
    Full(Box<Validator>),
}

/// Keywords that are checked here. Each binds values of its own type only, as JSON Schema has it.
#[derive(Default)]
struct Plain {
    /// Bits of [`kind`]; none when the type is free.
    kinds: Option<u8>,
    lengths: Option<(u64, u64)>,
    minimum: Option<i128>,
    maximum: Option<i128>,
    /// The accepted strings, of `enum` or `const`.
    texts: Option<Vec<String>>,
}

const NULL: u8 = 1;
const BOOLEAN: u8 = 2;
const INTEGER: u8 = 4;
const FRACTION: u8 = 8;
const STRING: u8 = 16;
const ARRAY: u8 = 32;
const OBJECT: u8 = 64;

/// Keywords that only describe.
const ANNOTATIONS: [&str; 6] = [
    "description",
    "title",
    "default",
    "examples",
    "$comment",
    "deprecated",
];

impl Shape {
    /// None when the schema is more than a shape.
    ///
    /// # Errors
    /// [`PackError::Schema`] when a property's own schema does not compile.
    pub(super) fn read(schema: &Value, fields: &mut FieldNames) -> Result<Option<Self>, PackError> {
        let Some(map) = schema.as_object() else {
            return Ok(None);
        };
        // Draft 4 differs in what an integer is and in what the bounds mean; references need the whole document.
        let dialect = map.get("$schema");
        let known = dialect.is_none_or(|dialect| {
            dialect.as_str().is_some_and(|uri| {
                ["draft-06", "draft-07", "2019-09", "2020-12"]
                    .iter()
                    .any(|draft| uri.contains(draft))
            })
        });
        let understood = |key: &str| {
            [
                "$schema",
                "type",
                "required",
                "properties",
                "additionalProperties",
            ]
            .contains(&key)
                || ANNOTATIONS.contains(&key)
        };
        let closed = match map.get("additionalProperties") {
            None | Some(Value::Bool(true)) => Some(false),
            Some(Value::Bool(false)) => Some(true),
            Some(_) => None,
        };
        let is_shape = known
            && map.keys().all(|key| understood(key))
            && map.get("type").is_none_or(|kind| kind == "object")
            && !refers(schema);
        let (Some(closed), true) = (closed, is_shape) else {
            return Ok(None);
        };
        let mut properties: Vec<Property> = Vec::new();
        let mut described: HashMap<usize, usize> = HashMap::new();
        for (name, schema) in map
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let position = fields.intern(name);
            described.insert(position, properties.len());
            properties.push(Property {
                position,
                required: false,
                check: Check::read(schema, dialect)?,
            });
        }
        for name in map
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let Some(name) = name.as_str() else {
                return Ok(None);
            };
            let position = fields.intern(name);
            let at = described.get(&position);
            match at.and_then(|at| properties.get_mut(*at)) {
                Some(property) => property.required = true,
                // Under `additionalProperties: false` it can never be there; that is for the full validator.
                None if closed => return Ok(None),
                None => {
                    described.insert(position, properties.len());
                    properties.push(Property {
                        position,
                        required: true,
                        check: Check::Anything,
                    });
                }
            }
        }
        Ok(Some(Self { properties, closed }))
    }

    /// Whether a context of so many fields, these among them, fits.
    pub(super) fn accepts(&self, count: usize, fields: &Fields<'_>) -> bool {
        let mut present = 0;
        let fit = self.properties.iter().all(|property| {
            let Some(value) = fields.get(property.position) else {
                return !property.required;
            };
            present += 1;
            match &property.check {
                Check::Anything => true,
                Check::Nothing => false,
                Check::Plain(plain) => plain.accepts(value),
                Check::Full(validator) => validator.is_valid(value),
            }
        });
        fit && (!self.closed || present == count)
    }
}

impl Check {
    fn read(schema: &Value, dialect: Option<&Value>) -> Result<Self, PackError> {
        match schema {
            Value::Bool(true) => return Ok(Self::Anything),
            Value::Bool(false) => return Ok(Self::Nothing),
            _ => {}
        }
        let Some(map) = schema.as_object() else {
            return Ok(Self::Nothing);
        };
        if let Some(plain) = Plain::read(map) {
            return Ok(Self::Plain(plain));
        }
        let mut whole = map.clone();
        if let Some(dialect) = dialect {
            whole.insert("$schema".to_owned(), dialect.clone());
        }
        validator(&Value::Object(whole)).map(|validator| Self::Full(Box::new(validator)))
    }
}

impl Plain {
    /// None when there is a keyword that is not checked here.
    fn read(map: &Map<String, Value>) -> Option<Self> {
        let mut plain = Self::default();
        let mut lengths = (0, u64::MAX);
        for (key, value) in map {
            match key.as_str() {
                "type" => {
                    let kinds = match value {
                        Value::Array(kinds) => {
                            kinds.iter().try_fold(0, |all, one| Some(all | kind(one)?))
                        }
                        one => kind(one),
                    };
                    plain.kinds = Some(kinds?);
                }
                "minLength" => lengths.0 = value.as_u64()?,
                "maxLength" => lengths.1 = value.as_u64()?,
                "minimum" => plain.minimum = Some(integer(value)?),
                "maximum" => plain.maximum = Some(integer(value)?),
                "enum" => plain.texts = Some(plain.only(value.as_array()?)?),
                "const" => plain.texts = Some(plain.only(std::slice::from_ref(value))?),
                key if ANNOTATIONS.contains(&key) => {}
                _ => return None,
            }
        }
        plain.lengths = (lengths != (0, u64::MAX)).then_some(lengths);
        Some(plain)
    }

    fn only(&self, options: &[Value]) -> Option<Vec<String>> {
        if self.texts.is_some() {
            return None;
        }
        options
            .iter()
            .map(|option| option.as_str().map(str::to_owned))
            .collect()
    }

    fn accepts(&self, value: &Value) -> bool {
        if self.kinds.is_some_and(|kinds| kinds & kind_of(value) == 0) {
            return false;
        }
        if let Some(texts) = &self.texts
            && !value
                .as_str()
                .is_some_and(|text| texts.iter().any(|one| one == text))
        {
            return false;
        }
        match value {
            Value::String(text) => self.lengths.is_none_or(|(least, most)| {
                let length = text.chars().count() as u64;
                (least..=most).contains(&length)
            }),
            Value::Number(number) => {
                let within = |bound: Option<i128>, refused: Ordering| {
                    bound.is_none_or(|bound| {
                        order(number, bound).is_some_and(|order| order != refused)
                    })
                };
                within(self.minimum, Ordering::Less) && within(self.maximum, Ordering::Greater)
            }
            _ => true,
        }
    }
}

fn kind(name: &Value) -> Option<u8> {
    Some(match name.as_str()? {
        "null" => NULL,
        "boolean" => BOOLEAN,
        "integer" => INTEGER,
        "number" => INTEGER | FRACTION,
        "string" => STRING,
        "array" => ARRAY,
        "object" => OBJECT,
        _ => return None,
    })
}

fn kind_of(value: &Value) -> u8 {
    match value {
        Value::Null => NULL,
        Value::Bool(_) => BOOLEAN,
        // 1.0 is an integer to every draft from 6 on.
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 => INTEGER,
            _ => FRACTION,
        },
        Value::Number(_) => INTEGER,
        Value::String(_) => STRING,
        Value::Array(_) => ARRAY,
        Value::Object(_) => OBJECT,
    }
}

fn integer(value: &Value) -> Option<i128> {
    let int = value.as_i64().map(i128::from);
    int.or_else(|| value.as_u64().map(i128::from))
}

fn order(number: &Number, bound: i128) -> Option<Ordering> {
    let int = number.as_i64().map(i128::from);
    match int.or_else(|| number.as_u64().map(i128::from)) {
        Some(int) => Some(int.cmp(&bound)),
        None => compare_int_float(bound, number.as_f64()?).map(Ordering::reverse),
    }
}

/// Whether a part of the schema refers to another, or names itself for that.
fn refers(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| {
            matches!(
                key.as_str(),
                "$ref" | "$dynamicRef" | "$recursiveRef" | "$id" | "$anchor" | "$dynamicAnchor"
            ) || refers(value)
        }),
        Value::Array(items) => items.iter().any(refers),
        _ => false,
    }
}
