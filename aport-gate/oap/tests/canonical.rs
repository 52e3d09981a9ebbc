//! Canonical JSON against the vectors of RFC 8785 and against two other implementations: one written here from the
//! RFC, and `serde_json_canonicalizer`.

#![allow(clippy::unwrap_used, reason = "a test that panics fails")]

use aport_gate_oap::{CanonicalError, canonical_json, digest_json, parse_json};
use proptest::prelude::*;
use serde_json::{Map, Value};

mod generate;

/// RFC 8785, section 3.2, on the code units and digits themselves.
fn canonical(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number_text(number.as_f64().unwrap()),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by_key(|key| key.encode_utf16().collect::<Vec<u16>>());
            let members = keys
                .into_iter()
                .map(|key| format!("{}:{}", quoted(key), canonical(&map[key])));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{8}' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\u{c}' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            control if control < ' ' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

/// ECMA-262, Number::toString, from the shortest digits that read back as the same number.
fn number_text(float: f64) -> String {
    if float == 0.0 {
        return "0".to_owned();
    }
    let shortest = format!("{:e}", float.abs());
    // Of two texts of that length that read back alike, the closest; of two as close, the even one.
    let fraction = shortest.split_once('e').unwrap().0.len().saturating_sub(2);
    let exact = format!("{:.fraction$e}", float.abs());
    let scientific = match exact.parse::<f64>() {
        Ok(same) if same == float.abs() => exact,
        _ => shortest,
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap();
    let digits = mantissa.replace('.', "");
    let count = i32::try_from(digits.len()).unwrap();
    let point = exponent.parse::<i32>().unwrap() + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap());
    let text = if count <= point && point <= 21 {
        format!("{digits}{}", zeros(point - count))
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap());
        format!("{whole}.{fraction}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let sign = if point > 0 { "+" } else { "-" };
        let exponent = (point - 1).abs();
        match digits.split_at(1) {
            (first, "") => format!("{first}e{sign}{exponent}"),
            (first, rest) => format!("{first}.{rest}e{sign}{exponent}"),
        }
    };
    if float < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

/// RFC 8785, appendix B: the bits of a number and its text.
const NUMBERS: [(u64, &str); 23] = [
    (0x0000_0000_0000_0000, "0"),
    (0x8000_0000_0000_0000, "0"),
    (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
    (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"),
    (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
    (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
    (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"),
    (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"),
    (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
];

#[test]
fn numbers_are_written_as_the_rfc_has_them_or_refused_where_they_would_be_rounded() {
    for (bits, text) in NUMBERS {
        let float = f64::from_bits(bits);
        assert_eq!(number_text(float), text, "the second implementation");
        let written = canonical_json(&float.into());
        if float.abs() < 9_007_199_254_740_992.0 {
            assert_eq!(written.unwrap(), text.as_bytes(), "{bits:x}");
        } else {
            assert!(
                matches!(written, Err(CanonicalError::UnsafeInteger { .. })),
                "{bits:x}"
            );
        }
    }
}

#[test]
fn members_are_sorted_by_utf_16_code_units() {
    let document = br#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
        "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
        "\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
        \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
        \"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    let document = parse_json(document).unwrap();
    assert_eq!(canonical_json(&document).unwrap(), expected.as_bytes());
}

#[test]
fn text_is_escaped_as_the_rfc_has_it() {
    // The RFC's sample without its 1E30, which is refused here.
    let document = br#"{"numbers":[333333333.33333329,4.50,2e-3,0.000000000000000000000000001],
        "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
    let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,4.5,0.002,1e-27],\
        \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    let document = parse_json(document).unwrap();
    assert_eq!(canonical_json(&document).unwrap(), expected.as_bytes());
}

/// Texts with what needs escaping, and with characters that UTF-8 and UTF-16 order differently.
fn any_text() -> impl Strategy<Value = String> {
    let special = prop_oneof![
        prop::char::range('\0', ' '),
        Just('"'),
        Just('\\'),
        Just('/'),
        prop::char::range('\u{7e}', '\u{a0}'),
        prop::char::range('\u{2028}', '\u{2029}'),
        prop::char::range('\u{d7f0}', '\u{d7ff}'),
        prop::char::range('\u{e000}', '\u{e010}'),
        prop::char::range('\u{fff0}', '\u{ffff}'),
        prop::char::range('\u{10000}', '\u{10010}'),
        prop::char::range('\u{10fff0}', '\u{10ffff}'),
    ];
    let special = prop::collection::vec(special, 0..80);
    prop_oneof![
        any::<String>(),
        special.prop_map(|characters| characters.into_iter().collect()),
    ]
}

#[test]
fn deep_nesting_is_refused_before_it_is_dangerous() {
    let nested =
        |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    assert!(canonical_json(&nested(128)).is_ok());
    assert_eq!(canonical_json(&nested(129)), Err(CanonicalError::TooDeep));
    assert_eq!(digest_json(&nested(129)), Err(CanonicalError::TooDeep));
}

#[test]
fn the_refusal_of_a_number_tells_where_it_is() {
    let document = serde_json::json!({"a": [0, {"b": 9_007_199_254_740_992_u64}]});
    let message = digest_json(&document).unwrap_err().to_string();
    assert!(
        message.contains("number 9007199254740992 at `$.a[1].b`"),
        "{message}"
    );
}

#[test]
fn a_document_of_many_pieces_has_the_digest_of_its_canonical_form() {
    let items: Vec<_> = (0..5_000)
        .map(|at| serde_json::json!({"at": at, "text": "x".repeat(at % 90)}))
        .collect();
    let document = serde_json::json!({"items": items, "long": "y".repeat(100_000)});
    let written = canonical_json(&document).unwrap();
    assert_eq!(
        digest_json(&document).unwrap(),
        aport_gate_oap::Digest::of(&written)
    );
}

fn any_document() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        any::<f64>()
            .prop_filter("a safe number", |float| float.abs()
                < 9_007_199_254_740_992.0)
            .prop_map(Value::from),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number,
        any_text().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::btree_map(any_text(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn three_implementations_write_the_same_bytes(document in any_document()) {
        let bytes = canonical_json(&document).unwrap();
        prop_assert_eq!(&bytes, &serde_json_canonicalizer::to_vec(&document).unwrap());
        prop_assert_eq!(String::from_utf8(bytes.clone()).unwrap(), canonical(&document));
        prop_assert_eq!(digest_json(&document).unwrap(), aport_gate_oap::Digest::of(&bytes));
        // What is written reads back as a document with the same digest.
        let again = parse_json(&bytes).unwrap();
        prop_assert_eq!(digest_json(&again).unwrap(), digest_json(&document).unwrap());
    }

    #[test]
    fn documents_that_differ_have_different_digests(
        one in generate::safe_json_value(), other in generate::safe_json_value(),
    ) {
        let same = canonical(&one) == canonical(&other);
        prop_assert_eq!(digest_json(&one).unwrap() == digest_json(&other).unwrap(), same);
    }
}
