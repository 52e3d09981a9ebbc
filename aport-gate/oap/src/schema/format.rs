//! `format` in a pack's schema: which are checked, and how.

use regex::RegexBuilder;
use serde_json::Value;

/// Largest compiled regular expression, in bytes.
const MAX_COMPILED: usize = 1 << 18;

/// Formats that are checked, each with an example. Those of the second list by drafts from 2019-09 on only.
const CHECKED: [(&str, &str); 16] = [
    ("date", "2026-01-31"),
    ("date-time", "2026-01-31T12:00:00Z"),
    ("time", "12:00:00Z"),
    ("email", "name@example.com"),
    ("hostname", "www.example.com"),
    ("ipv4", "192.0.2.1"),
    ("ipv6", "2001:db8::1"),
    ("uri", "https://example.com/page"),
    ("uri-reference", "/page"),
    ("uri-template", "/page/{id}"),
    ("iri", "https://example.com/page"),
    ("iri-reference", "/page"),
    ("json-pointer", "/items/0"),
    ("relative-json-pointer", "1/name"),
    ("regex", "^[a-z]+$"),
    ("uuid", "00000000-0000-4000-8000-000000000000"),
];
const NEWER: [(&str, &str); 1] = [("duration", "P1D")];

/// A text of this format.
pub(super) fn example(format: &str) -> Option<&'static str> {
    let mut all = CHECKED.iter().chain(&NEWER);
    all.find(|(known, _)| *known == format)
        .map(|(_, example)| *example)
}

/// Hexadecimal digits in groups (RFC 9562).
pub(super) fn is_uuid(text: &str) -> bool {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups = text.split('-').map(str::len);
    groups.eq(GROUPS) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// What this crate's patterns may be; a caller's text must not be compiled without a bound.
pub(super) fn is_regex(text: &str) -> bool {
    text.len() <= 10_000
        && RegexBuilder::new(text)
            .size_limit(MAX_COMPILED)
            .build()
            .is_ok()
}

/// Formats of a schema that nothing checks, each with its place as a JSON pointer.
pub(crate) fn unchecked(schema: &Value) -> Vec<(String, String)> {
    let older = schema
        .get("$schema")
        .and_then(Value::as_str)
        .is_some_and(|uri| {
            ["draft-04", "draft-06", "draft-07"]
                .iter()
                .any(|one| uri.contains(one))
        });
    let mut found = Vec::new();
    walk(schema, "", &mut |place, key, value| {
        if let ("format", Value::String(format)) = (key, value) {
            let known = |list: &[(&str, &str)]| list.iter().any(|(known, _)| known == format);
            if !known(&CHECKED) && (older || !known(&NEWER)) {
                found.push((place.to_owned(), format.clone()));
            }
        }
    });
    found
}

/// Visits each keyword of a schema with its place as a JSON pointer; not the data in it.
pub(super) fn walk(schema: &Value, place: &str, visit: &mut dyn FnMut(&str, &str, &Value)) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(key.as_str(), "enum" | "const" | "default" | "examples") {
                    continue;
                }
                let place = format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
                visit(&place, key, value);
                walk(value, &place, visit);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{place}/{at}"), visit);
            }
        }
        _ => {}
    }
}
