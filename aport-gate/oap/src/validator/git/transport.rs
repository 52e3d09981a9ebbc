//! Addresses of `git` that name a program: `ext::script` runs it, and `name::…` runs the helper of that name.

use crate::validator::launch::unknown;
use crate::validator::shell::{self, Command};
use crate::validator::work::Work;

/// Subcommands whose words may be addresses.
const REMOTE: [&str; 11] = [
    "clone",
    "fetch",
    "pull",
    "push",
    "ls-remote",
    "remote",
    "archive",
    "submodule",
    "fetch-pack",
    "send-pack",
    "bundle",
];

/// What a word of a subcommand runs if it is an address, or the value of an option that is one.
///
/// # Errors
/// As [`shell::commands`].
pub(super) fn of_word(
    work: &Work,
    subcommand: &str,
    word: &str,
    found: &mut Vec<Command>,
) -> Result<(), String> {
    let value = match word.split_once('=') {
        Some((option, value)) if option.starts_with('-') => value,
        _ => word,
    };
    if script_of(value).is_some() || REMOTE.contains(&subcommand) {
        launched(work, value, found)?;
    }
    Ok(())
}

/// What an address runs.
///
/// # Errors
/// As [`shell::commands`].
pub(super) fn launched(work: &Work, address: &str, found: &mut Vec<Command>) -> Result<(), String> {
    if let Some(script) = script_of(address) {
        found.extend(shell::commands(work, script)?);
    } else if is_helper(address) {
        let name = address.split("::").next().unwrap_or_default();
        found.push(unknown(&format!(
            "runs the helper `git-remote-{name}` by an address with `::`"
        )));
    }
    Ok(())
}

fn script_of(address: &str) -> Option<&str> {
    let (name, script) = address.trim_start().split_once("::")?;
    name.eq_ignore_ascii_case("ext").then_some(script)
}

/// Whether the address names the program that is spoken to.
pub(super) fn is_helper(address: &str) -> bool {
    let name = address.trim_start().split_once("::").map(|(name, _)| name);
    name.is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
    })
}
