//! Conditions as text: what is printed parses to what was printed.

use aport_gate_oap::parse_condition;
use proptest::prelude::*;

mod generate;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_printed_condition_parses_to_the_same_condition(text in generate::condition()) {
        // What is nested too deep is refused, and is no question of printing.
        let Ok(condition) = parse_condition(&text) else { return Ok(()) };
        let printed = condition.to_string();
        prop_assume!(printed.chars().count() <= 1_000);
        let again = parse_condition(&printed);
        prop_assert_eq!(again.as_ref(), Ok(&condition), "{} => {}", text, printed);
        prop_assert_eq!(again.unwrap().to_string(), printed);
    }

    #[test]
    fn any_text_parses_or_is_refused_at_a_place_within_it(text in any::<String>()) {
        if let Err(error) = parse_condition(&text) {
            prop_assert!(error.offset <= text.len());
        }
    }

    #[test]
    fn pieces_of_the_language_in_any_order_parse_or_are_refused(
        pieces in prop::collection::vec(
            prop::sample::select(&[
                "context", ".", "limits", "(", ")", "[", "]", "not", "in", "is", "empty", "any", "all",
                "for", "x", "=>", "==", "<", "-", "+", "!", "&&", "or", "'a'", "1", "0.5", ",", "length",
                "some", "has", "null", "99999999999999999999999999999999999999999",
            ][..]),
            0..40,
        ),
    ) {
        let text = pieces.join(" ");
        if let Ok(condition) = parse_condition(&text) {
            let printed = condition.to_string();
            prop_assert_eq!(parse_condition(&printed), Ok(condition), "{} => {}", text, printed);
        }
    }
}
