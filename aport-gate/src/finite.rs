//! Numbers that JSON cannot hold.
//!
//! JSON has no infinity, and serde writes it as `null`, which counts as absent: a rule over the field
//! would not see a number that is over every limit. So it is an error instead.

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::{Error, Value};

/// A value as JSON.
///
/// # Errors
/// When it has no JSON form, or holds a number that is not finite.
pub(crate) fn json_of<T: Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    let json = serde_json::to_value(value)?;
    if holds_null(&json) {
        value.serialize(Finite)?;
    }
    Ok(json)
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(members) => members.values().any(holds_null),
        _ => false,
    }
}

/// Writes nothing, and fails at a number that is not finite.
struct Finite;

type Checked = Result<(), Error>;

fn float(value: f64) -> Checked {
    match value.is_finite() {
        true => Ok(()),
        false => Err(Error::custom(format!(
            "`{value}` is no number in JSON, and the rules would not see it"
        ))),
    }
}

macro_rules! passes {
    ($($method:ident: $ty:ty),*) => { $(fn $method(self, _: $ty) -> Checked { Ok(()) })* };
}

impl Serializer for Finite {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    passes! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_i128: i128, serialize_u8: u8, serialize_u16: u16,
        serialize_u32: u32, serialize_u64: u64, serialize_u128: u128, serialize_char: char,
        serialize_str: &str, serialize_bytes: &[u8], serialize_unit_struct: &'static str
    }

    fn serialize_f32(self, value: f32) -> Checked {
        float(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Checked {
        float(value)
    }

    fn serialize_none(self) -> Checked {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Checked {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Checked {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Checked {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Checked {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Checked {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Error> {
        Ok(self)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, _: &T) -> Checked {
        Ok(())
    }
}

macro_rules! each {
    ($($of:ident: $method:ident),*) => { $(
        impl $of for Finite {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
                value.serialize(Self)
            }

            fn end(self) -> Checked {
                Ok(())
            }
        }
    )* };
}

each! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field, SerializeTupleVariant: serialize_field
}

macro_rules! each_named {
    ($($of:ident),*) => { $(
        impl $of for Finite {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _: &'static str,
                value: &T,
            ) -> Checked {
                value.serialize(Self)
            }

            fn end(self) -> Checked {
                Ok(())
            }
        }
    )* };
}

each_named! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Finite {
    type Ok = ();
    type Error = Error;

    // A number that is not finite has no form as a key, so it has been refused already.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Checked {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
        value.serialize(Self)
    }

    fn end(self) -> Checked {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    #[derive(serde::Serialize)]
    enum Price {
        Struct { of: Option<f32> },
        Tuple(u8, f64),
        New(f64),
    }

    #[test]
    fn what_is_not_finite_is_an_error_wherever_it_stands() {
        for value in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            assert!(json_of(&value).is_err());
            assert!(json_of(&Some(value)).is_err());
            assert!(json_of(&vec![1.0, value]).is_err());
            assert!(json_of(&(1, value)).is_err());
            assert!(json_of(&BTreeMap::from([("a", value)])).is_err());
            assert!(json_of(&Price::Tuple(1, value)).is_err());
            assert!(json_of(&Price::New(value)).is_err());
        }
        let error = json_of(&Price::Struct { of: Some(f32::NAN) }).unwrap_err();
        assert!(error.to_string().contains("`NaN`"), "{error}");
    }

    #[test]
    fn what_is_absent_stays_absent() {
        assert_eq!(json_of(&None::<f64>).unwrap(), Value::Null);
        assert_eq!(json_of(&()).unwrap(), Value::Null);
        let price = json_of(&Price::Struct { of: None }).unwrap();
        assert_eq!(price, serde_json::json!({"Struct": {"of": null}}));
        let mixed = (None::<u8>, "text", 'c', 1.5, true, 7_i128, Path::new("a"));
        assert!(json_of(&mixed).is_ok());
    }
}
