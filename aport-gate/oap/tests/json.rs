//! The strict reader against serde_json: it refuses more, and what it accepts it reads alike.

#![allow(clippy::unwrap_used, reason = "a test that panics fails")]

use aport_gate_oap::{JsonError, parse_json};
use proptest::prelude::*;
use serde_json::Value;

mod generate;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn documents_are_read_as_serde_json_reads_them(value in generate::json_value()) {
        let text = value.to_string();
        prop_assert_eq!(&parse_json(text.as_bytes()).unwrap(), &value);
        let spaced = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(parse_json(spaced.as_bytes()).unwrap(), value);
    }

    #[test]
    fn bytes_are_accepted_only_where_serde_json_accepts_them(
        pieces in prop::collection::vec(
            prop::sample::select(&[
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"\\u0000\"", "\"\\ud800\"", "1", "-0",
                "1e999", "1.5", "null", "true", " ", "\n", "\"", "18446744073709551616", "\u{feff}",
            ][..]),
            0..14,
        ),
    ) {
        let text = pieces.concat();
        let lax: Result<Value, _> = serde_json::from_str(&text);
        match (parse_json(text.as_bytes()), lax) {
            (Ok(strict), Ok(lax)) => prop_assert_eq!(strict, lax),
            (Ok(strict), Err(error)) => prop_assert!(false, "{} read as {}, {}", text, strict, error),
            (Err(JsonError::DuplicateKey { .. } | JsonError::TooDeep { .. }), Ok(_)) | (Err(_), Err(_)) => {}
            (Err(error), Ok(lax)) => prop_assert!(false, "{} is {}, refused: {}", text, lax, error),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
        if let Ok(value) = parse_json(&bytes) {
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
        }
    }
}

#[test]
fn nesting_is_refused_beyond_64_levels_only() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse_json(nested(64).as_bytes()).is_ok());
    assert!(matches!(
        parse_json(nested(66).as_bytes()),
        Err(JsonError::TooDeep { .. })
    ));
    assert!(parse_json("[".repeat(1_000_000).as_bytes()).is_err());
}
