//! Patterns of block and allow lists. Passports write plain text, wildcards, and sometimes regular
//! expressions; a blocklist takes a pattern in every sense it can have.

use super::{Call, Failure};
use regex::RegexBuilder;

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 512;

/// Largest compiled regular expression, in bytes.
const MAX_COMPILED: usize = 1 << 18;

/// Whether `text` holds the pattern anywhere, as plain text or as a regular expression, in any case.
/// `lower` is `text` in lower case.
pub(super) fn found(
    call: &Call<'_>,
    pattern: &str,
    text: &str,
    lower: &str,
) -> Result<bool, Failure> {
    bounded(pattern)?;
    let plain = pattern.trim().to_lowercase();
    if plain.is_empty() {
        return Ok(false);
    }
    call.spend(pattern.len() + text.len())?;
    if lower.contains(&plain) {
        return Ok(true);
    }
    if !looks_like_regex(pattern) {
        return Ok(false);
    }
    call.spend(MAX_COMPILED + 4 * text.len())?;
    // A pattern that is no regular expression after all was plain text, and that was searched.
    let Ok(regex) = RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(MAX_COMPILED)
        .build()
    else {
        return Ok(false);
    };
    Ok(regex.is_match(text))
}

/// Whether the whole text matches a pattern with `*` and `?`, each crossing any character.
pub(super) fn wild(call: &Call<'_>, pattern: &str, text: &str) -> Result<bool, Failure> {
    bounded(pattern)?;
    call.spend(1 + pattern.len() * text.len().max(1) / 8)?;
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stood, and how far it has eaten.
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(one) if *one == '?' || one == c => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, eaten)) => {
                    star = Some((at, eaten + 1));
                    p = at + 1;
                    t = eaten + 1;
                }
                None => return Ok(false),
            },
        }
    }
    Ok(pattern.iter().skip(p).all(|c| *c == '*'))
}

pub(super) fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

fn looks_like_regex(pattern: &str) -> bool {
    pattern.starts_with('^')
        || pattern.ends_with('$')
        || ["\\", ".*", ".+", "(?", "["]
            .iter()
            .any(|mark| pattern.contains(mark))
        || (pattern.contains('(') && pattern.contains('|'))
}

fn bounded(pattern: &str) -> Result<(), Failure> {
    if pattern.len() > MAX_PATTERN {
        let message = format!("a pattern is longer than {MAX_PATTERN} bytes");
        return Err(Failure::Fault(message));
    }
    Ok(())
}
