//! Glob patterns of allowlists: `*` stays within one path segment, `**` crosses slashes, case counts.

use super::value::Fault;
use globset::GlobBuilder;

/// Longest pattern, in bytes. Compiling is the costly part.
const MAX_PATTERN: usize = 512;

pub(super) fn matches(pattern: &str, text: &str) -> Result<bool, Fault> {
    if pattern.len() > MAX_PATTERN {
        return Err(Fault(format!(
            "a pattern is longer than {MAX_PATTERN} bytes"
        )));
    }
    if !pattern.contains(['*', '?', '[', ']', '{', '}', '\\']) {
        return Ok(pattern == text);
    }
    // `name/*` is what most lists hold, and is decided without building an automaton.
    if let Some(prefix) = pattern.strip_suffix('*')
        && prefix.ends_with('/')
        && !prefix.contains(['*', '?', '[', ']', '{', '}', '\\'])
    {
        return Ok(text
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.contains('/')));
    }
    // globset lets a class match `/` whatever the separator; a branch or owner would be crossed.
    if pattern.contains(['[', ']']) {
        return Err(Fault(format!(
            "pattern `{pattern}` has a character class; use `*`, `?`, `**` or `{{a,b}}`"
        )));
    }
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .case_insensitive(false)
        .backslash_escape(true)
        .build()
        .map(|glob| glob.compile_matcher().is_match(text))
        .map_err(|error| {
            Fault(format!(
                "pattern `{pattern}` is malformed: {}",
                error.kind()
            ))
        })
}
