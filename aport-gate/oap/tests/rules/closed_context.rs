//! Packs whose schema refuses further fields: the gate's own fields are no fields of the caller.

use crate::setting::{Setting, codes};
use serde_json::{Value, json};

fn closed(schema: Value) -> Setting {
    Setting::new(
        json!({
            "id": "acme.thing.do.v1", "requires_capabilities": ["acme.thing"],
            "required_context": schema, "evaluation_rules": []
        }),
        json!({}),
    )
}

fn with_gate_fields(mut context: Value) -> Value {
    context["agent_id"] = json!("ap_tester");
    context["policy_id"] = json!("acme.thing.do.v1");
    context
}

#[test]
fn gate_fields_fit_a_schema_that_does_not_name_them() {
    let plain = json!({
        "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } },
        "additionalProperties": false
    });
    // As a schema that only the full validator reads.
    let mut composed = plain.clone();
    composed["anyOf"] = json!([{ "required": ["n"] }]);
    let mut later = plain.clone();
    later
        .as_object_mut()
        .unwrap()
        .remove("additionalProperties");
    later["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    later["unevaluatedProperties"] = json!(false);
    for schema in [plain, composed, later] {
        let setting = closed(schema.clone());
        let fit = setting.decide(&with_gate_fields(json!({ "n": 1 })));
        assert!(fit.allow, "{schema}: {:?}", fit.reasons);
        let more = setting.decide(&with_gate_fields(json!({ "n": 1, "other": 1 })));
        assert_eq!(codes(&more), ["oap.invalid_context"], "{schema}");
        let less = setting.decide(&with_gate_fields(json!({})));
        assert!(!less.allow, "{schema}");
    }
}

#[test]
fn schema_that_describes_a_gate_field_is_kept_to_it() {
    let setting = closed(json!({
        "type": "object", "properties": { "agent_id": { "const": "ap_other" } },
        "additionalProperties": false
    }));
    let denied = setting.decide(&with_gate_fields(json!({})));
    assert_eq!(codes(&denied), ["oap.invalid_context"]);
}
