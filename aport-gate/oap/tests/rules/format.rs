//! `format` in a pack's schema.

use crate::setting::{Setting, codes};
use aport_gate_oap::{Pack, Severity};
use serde_json::{Value, json};

fn pack(dialect: Option<&str>, format: &str) -> Value {
    let mut schema =
        json!({ "type": "object", "properties": { "x": { "type": "string", "format": format } } });
    if let Some(dialect) = dialect {
        schema["$schema"] = dialect.into();
    }
    json!({
        "id": "acme.form.v1", "requires_capabilities": ["acme.form"], "required_context": schema,
        "evaluation_rules": [{ "name": "fine", "condition": "true", "deny_code": "oap.no" }]
    })
}

const DIALECTS: [Option<&str>; 4] = [
    None,
    Some("http://json-schema.org/draft-07/schema#"),
    Some("http://json-schema.org/draft-06/schema#"),
    Some("https://json-schema.org/draft/2020-12/schema"),
];

#[test]
fn formats_are_checked_in_every_dialect() {
    for (format, good, bad) in [
        ("date-time", "2026-01-31T12:00:00Z", "2026-01-31"),
        ("date-time", "2026-01-31T12:00:00.5+02:00", "nope"),
        ("date", "2026-01-31", "2026-02-30"),
        ("time", "12:00:00Z", "25:00:00Z"),
        ("uri", "https://mcp.example.com/x?y", "not a uri"),
        ("email", "a@example.com", "a@"),
        (
            "uuid",
            "550e8400-e29b-41d4-a716-446655440000",
            "550e8400e29b41d4a716446655440000",
        ),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "2001:db8::1", "2001:db8"),
        ("hostname", "www.example.com", "-x-.example"),
        ("regex", "^a+$", "("),
    ] {
        for dialect in DIALECTS {
            let setting = Setting::new(pack(dialect, format), json!({}));
            let good = setting.decide(&json!({ "x": good }));
            assert!(good.allow, "{dialect:?} {format}: {:?}", good.reasons);
            let denied = setting.decide(&json!({ "x": bad }));
            assert_eq!(
                codes(&denied),
                ["oap.invalid_context"],
                "{dialect:?} {format} {bad}"
            );
            assert!(
                denied.reasons[0]
                    .message
                    .contains(&format!("no `{format}`")),
                "{:?}",
                denied.reasons
            );
        }
    }
}

#[test]
fn a_format_that_nothing_checks_is_named() {
    let found = |pack: &Value| Pack::check(pack.to_string().as_bytes());
    for dialect in DIALECTS {
        let one = found(&pack(dialect, "iban"));
        let [one] = one.as_slice() else {
            panic!("{one:?}")
        };
        assert_eq!(
            (one.path.as_str(), one.severity),
            ("required_context.properties.x.format", Severity::Warning)
        );
        assert!(one.message.contains("`iban`"));
        assert!(found(&pack(dialect, "uri")).is_empty());
    }
    // A property may be called so.
    let mut named = pack(None, "uri");
    named["required_context"]["properties"] =
        json!({ "format": { "type": "string", "enum": ["csv"] } });
    assert!(found(&named).is_empty());
}

#[test]
fn a_regular_expression_in_a_context_is_compiled_within_a_bound() {
    let setting = Setting::new(pack(None, "regex"), json!({}));
    let denied = setting.decide(&json!({ "x": "((a{900}){900}){900}" }));
    assert!(!denied.allow);
}
