//! Whether a list of commands allows one.

use super::shell::{Command, Word};
use super::wrapper::without_assignments;

/// Whether one of the allowed commands is this one: its words are the first words of it.
pub(super) fn is_allowed(command: &Command, allowed: &[&str]) -> Result<(), String> {
    if allowed.iter().any(|entry| entry.trim() == "*") {
        return Ok(());
    }
    let words = without_assignments(&command.words);
    let Some((first, _)) = words.split_first() else {
        return Ok(());
    };
    let of_case = || {
        format!(
            "has `{}` of `case … in`, whose patterns are taken for programs here; write `if`",
            first.text
        )
    };
    if first.dynamic && first.text == "*" {
        return Err(of_case());
    }
    if first.dynamic && !matches!(first.text.as_str(), "[" | "[[") {
        return Err(format!("does not say which program `{}` is", first.text));
    }
    for entry in allowed {
        let mut matches = true;
        for (at, part) in entry.split_whitespace().enumerate() {
            matches &= match words.get(at) {
                None => part == "*",
                Some(word) if at == 0 => is_program(part, &word.text),
                Some(word) => match part.strip_suffix('*') {
                    Some(start) => word.text.starts_with(start),
                    None => word.text == part,
                },
            };
        }
        if matches && !entry.trim().is_empty() {
            return Ok(());
        }
    }
    if first.text == "case" {
        return Err(of_case());
    }
    Err(format!(
        "runs `{}`, which is not among the allowed commands",
        command_name(words)
    ))
}

fn command_name(words: &[Word]) -> String {
    let first = words.first().map_or("", |word| word.text.as_str());
    first.chars().take(80).collect()
}

/// `git` is `git` and `/usr/bin/git`, not `./git`; `python` is also `python3.11`.
fn is_program(entry: &str, word: &str) -> bool {
    const STANDARD: [&str; 7] = [
        "/bin/",
        "/sbin/",
        "/usr/bin/",
        "/usr/sbin/",
        "/usr/local/bin/",
        "/opt/homebrew/bin/",
        "/usr/local/sbin/",
    ];
    let bare = STANDARD
        .iter()
        .find_map(|directory| word.strip_prefix(directory));
    let bare = bare
        .filter(|bare| !bare.contains('/') && !entry.contains('/'))
        .unwrap_or(word);
    if let Some(start) = entry.strip_suffix('*') {
        return bare.starts_with(start) && !bare.contains('/');
    }
    bare.strip_prefix(entry)
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}
