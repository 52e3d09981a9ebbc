//! What is wrong with the schema of a pack's context.

use super::Document;
use crate::condition::fields::FieldNames;
use serde_json::{Map, Value};

pub(super) fn of_pack(map: &Map<String, Value>, document: &mut Document<'_>) {
    let path = "required_context";
    let Some(schema) = map.get(path) else { return };
    let Some(inner) = schema.as_object() else {
        document.error(path, format!("`{path}` must be an object"));
        return;
    };
    // Counted first: what is asked of the schema itself is work as well.
    if let Err(error) = crate::schema::bounded(schema) {
        document.error(path, error.to_string());
        return;
    }
    for (pointer, format) in crate::schema::format::unchecked(schema) {
        let message = format!("nothing checks the format `{format}`; say it with `pattern`");
        document.warning(&at_pointer(path, &pointer), message);
    }
    let mut usable = true;
    if let Ok(meta) = jsonschema::meta::validator_for(schema) {
        for error in meta.iter_errors(schema) {
            let at = at_pointer(path, error.instance_path().as_str());
            let message = format!("no usable JSON Schema: {error}");
            document.error(&at, message);
            usable = false;
        }
    }
    if let Err(error) = crate::schema::Schema::compile(schema, &mut FieldNames::default()) {
        // Compiling ends at the first of them.
        for (pointer, problem) in crate::schema::pattern::unusable(schema) {
            let message = format!("no usable JSON Schema: {problem}");
            document.error(&at_pointer(path, &pointer), message);
            usable = false;
        }
        if usable {
            document.error(path, error.to_string());
        }
    }
    let properties = inner.get("properties").and_then(Value::as_object);
    let required = inner.get("required").and_then(Value::as_array);
    for (at, field) in required.into_iter().flatten().enumerate() {
        if let Some(name) = field.as_str()
            && !properties.is_some_and(|properties| properties.contains_key(name))
        {
            let message = format!("`{name}` is required but not described in `properties`");
            document.warning(&format!("{path}.required[{at}]"), message);
        }
    }
}

/// The place of a JSON pointer in the value at `path`.
fn at_pointer(path: &str, pointer: &str) -> String {
    let mut at = path.to_owned();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        at = match part.parse::<usize>() {
            Ok(index) => format!("{at}[{index}]"),
            Err(_) => super::position::field(&at, &part),
        };
    }
    at
}
