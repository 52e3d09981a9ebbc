//! The shape against the full validator: they must accept the same contexts.

use super::shape::Shape;
use super::validator;
use crate::condition::fields::FieldNames;
use crate::generate;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

fn keyword() -> impl Strategy<Value = (&'static str, Value)> {
    let kinds = || {
        select(
            &[
                "string", "integer", "number", "boolean", "null", "array", "object",
            ][..],
        )
        .prop_map(Value::from)
    };
    let bound = || {
        prop_oneof![
            3 => (-2_i64..60).prop_map(Value::from),
            1 => Just(json!(9_007_199_254_740_991_i64)),
            1 => Just(json!(0.5)),
        ]
    };
    let texts = || vec(generate::text().prop_map(Value::from), 1..4);
    prop_oneof![
        4 => kinds().prop_map(|kind| ("type", kind)),
        1 => vec(kinds(), 1..3).prop_map(|kinds| ("type", distinct(kinds))),
        2 => (0_u64..5).prop_map(|length| ("minLength", length.into())),
        2 => (0_u64..5).prop_map(|length| ("maxLength", length.into())),
        2 => bound().prop_map(|bound| ("minimum", bound)),
        2 => bound().prop_map(|bound| ("maximum", bound)),
        1 => bound().prop_map(|bound| ("exclusiveMinimum", bound)),
        1 => texts().prop_map(|texts| ("enum", distinct(texts))),
        1 => vec(generate::safe_json_value(), 1..3).prop_map(|list| ("enum", distinct(list))),
        1 => generate::safe_json_value().prop_map(|value| ("const", value)),
        1 => Just(("pattern", json!("^[A-Z]{3}$"))),
        1 => Just(("description", json!("words"))),
    ]
}

fn distinct(items: Vec<Value>) -> Value {
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    Value::Array(kept)
}

fn property() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => vec(keyword(), 0..4).prop_map(|keywords| {
            Value::Object(keywords.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        }),
        1 => any::<bool>().prop_map(Value::Bool),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    let dialects = select(
        &[
            None,
            Some("http://json-schema.org/draft-07/schema#"),
            Some("https://json-schema.org/draft/2019-09/schema"),
        ][..],
    );
    let properties = vec((generate::field(), property()), 0..6);
    let required = vec(generate::field().prop_map(Value::from), 0..3);
    (dialects, properties, required, any::<Option<bool>>()).prop_map(
        |(dialect, properties, required, additional)| {
            let properties: Map<String, Value> = properties
                .into_iter()
                .map(|(name, schema)| (name.to_owned(), schema))
                .collect();
            let mut schema = json!({
                "type": "object", "properties": properties, "required": distinct(required)
            });
            if let Some(additional) = additional {
                schema["additionalProperties"] = additional.into();
            }
            if let Some(dialect) = dialect {
                schema["$schema"] = dialect.into();
            }
            schema
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn shapes_accept_what_the_full_validator_accepts(
        schema in schema(),
        contexts in vec(generate::context(), 1..8),
    ) {
        let full = validator(&schema).unwrap();
        let mut names = FieldNames::default();
        let Some(shape) = Shape::read(&schema, &mut names).unwrap() else { return Ok(()) };
        for context in contexts {
            let accepted = full.is_valid(&Value::Object(context.clone()));
            prop_assert_eq!(shape.accepts(context.len(), &names.read(&context)), accepted, "{} {:?}", schema, context);
        }
    }
}

#[test]
fn schemas_that_refer_elsewhere_are_left_to_the_full_validator() {
    let schemas = [
        json!({"properties": {"amount": {"$ref": "#/$defs/amount"}}, "$defs": {"amount": {}}}),
        json!({"properties": {"amount": {"$id": "x:amount"}}}),
        json!({"$schema": "http://json-schema.org/draft-04/schema#", "properties": {}}),
        json!({"anyOf": [{"required": ["amount"]}]}),
        json!({"patternProperties": {"^x": false}}),
    ];
    for schema in schemas {
        assert!(
            Shape::read(&schema, &mut FieldNames::default())
                .unwrap()
                .is_none(),
            "{schema}"
        );
    }
    let described = json!({"type": "object", "properties": {"amount": {"type": "integer"}}});
    assert!(
        Shape::read(&described, &mut FieldNames::default())
            .unwrap()
            .is_some()
    );
}
