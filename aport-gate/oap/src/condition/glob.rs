//! Glob patterns of allowlists: `*` stays within one path segment, `**` crosses slashes, case counts.

use super::value::Fault;
use globset::{GlobBuilder, GlobMatcher};
use std::cell::RefCell;
use std::collections::HashMap;

/// Longest pattern, in bytes. Compiling is the costly part.
const MAX_PATTERN: usize = 512;

/// Most byte comparisons without an automaton.
const MAX_PLAIN: usize = 16 * 1024;

/// Most automata that a thread keeps.
const MAX_KEPT: usize = 256;

thread_local! {
    // Patterns come from passports and come again with every call. What was compiled is kept; whether it was has
    // no influence on any answer or on any bound.
    static KEPT: RefCell<HashMap<String, GlobMatcher>> = RefCell::new(HashMap::new());
}

/// Steps that a pattern costs beyond its length: about what compiling it takes.
pub(super) fn cost(pattern: &str, text: &str) -> usize {
    if is_plain(pattern, text) { 0 } else { 100 }
}

pub(super) fn matches(pattern: &str, text: &str) -> Result<bool, Fault> {
    if pattern.len() > MAX_PATTERN {
        return Err(Fault(format!(
            "a pattern is longer than {MAX_PATTERN} bytes"
        )));
    }
    if is_plain(pattern, text) {
        return Ok(matches_plain(pattern.as_bytes(), text.as_bytes()));
    }
    // globset lets a class match `/` whatever the separator; a branch or owner would be crossed.
    if pattern.contains(['[', ']']) {
        return Err(Fault(format!(
            "pattern `{pattern}` has a character class; use `*`, `?`, `**` or `{{a,b}}`"
        )));
    }
    KEPT.with_borrow_mut(|kept| {
        if let Some(glob) = kept.get(pattern) {
            return Ok(glob.is_match(text));
        }
        let glob = compile(pattern)?;
        let answer = glob.is_match(text);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), glob);
        Ok(answer)
    })
}

fn compile(pattern: &str) -> Result<GlobMatcher, Fault> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .case_insensitive(false)
        .backslash_escape(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| {
            Fault(format!(
                "pattern `{pattern}` is malformed: {}",
                error.kind()
            ))
        })
}

/// Whether the pattern has nothing but letters, `*` and `?`, and is decided without an automaton.
fn is_plain(pattern: &str, text: &str) -> bool {
    if pattern.contains(['[', ']', '{', '}', '\\']) || pattern.contains("**") {
        return false;
    }
    // Beyond ASCII `?` may be a byte or a character; that is for the automaton to say.
    let wild = pattern.contains(['*', '?']);
    !wild || (pattern.is_ascii() && text.is_ascii() && pattern.len() * text.len() <= MAX_PLAIN)
}

/// The last `*` takes as little as it can, and one more byte each time that what follows it does not fit.
fn matches_plain(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(from) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
                continue;
            }
            Some(b'?') if *byte != b'/' => {
                (at, from) = (at + 1, from + 1);
                continue;
            }
            Some(expected) if expected == byte => {
                (at, from) = (at + 1, from + 1);
                continue;
            }
            _ => {}
        }
        match star {
            Some((star_at, taken)) if text.get(taken) != Some(&b'/') => {
                star = Some((star_at, taken + 1));
                (at, from) = (star_at + 1, taken + 1);
            }
            _ => return false,
        }
    }
    pattern
        .get(at..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn plain_patterns_match_as_their_automata_do(
            pattern in "[ab/*?.]{0,8}", text in "[ab/*?.é]{0,10}",
        ) {
            prop_assume!(is_plain(&pattern, &text));
            let automaton = compile(&pattern).unwrap().is_match(&text);
            prop_assert_eq!(matches_plain(pattern.as_bytes(), text.as_bytes()), automaton);
        }
    }

    #[test]
    fn a_star_stays_within_its_segment_and_two_cross_it() {
        for (pattern, text, matched) in [
            ("release/*", "release/1.0", true),
            ("release/*", "release/1.0/hotfix", false),
            ("release/**", "release/1.0/hotfix", true),
            ("*-stable", "v1-stable", true),
            ("*-stable", "x/v1-stable", false),
            ("acme/{api,web}", "acme/web", true),
            ("main", "Main", false),
            ("v?", "v/", false),
        ] {
            assert_eq!(matches(pattern, text), Ok(matched), "{pattern} {text}");
        }
    }
}
