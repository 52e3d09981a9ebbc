//! What package managers of JavaScript run: programs of packages, scripts, and what their settings name.

use super::launch::{of, unknown};
use super::options::values;
use super::shell::{self, Command, Word};
use super::work::Work;

/// Settings that name a program, or a file of settings.
const SETTINGS: [&str; 10] = [
    "script-shell",
    "shell",
    "git",
    "editor",
    "viewer",
    "browser",
    "node-options",
    "userconfig",
    "globalconfig",
    "init-module",
];

/// Options of `exec` without a value.
const ALONE: [&str; 12] = [
    "-y",
    "--yes",
    "-s",
    "--silent",
    "-q",
    "--quiet",
    "--no",
    "--no-install",
    "--offline",
    "--prefer-offline",
    "--workspaces",
    "--parallel",
];

/// Adds what the command runs, `rest` being the words after `npm`.
///
/// # Errors
/// As [`shell::commands`].
pub(super) fn launched(
    work: &Work,
    name: &str,
    rest: &[Word],
    found: &mut Vec<Command>,
) -> Result<(), String> {
    for setting in SETTINGS {
        let option = format!("--{setting}");
        let named = |word: &&Word| word.text.split('=').next() == Some(option.as_str());
        let own = rest.iter().take_while(|word| word.text != "--");
        let cut = setting == "script-shell" && values(rest, &option).next().is_some();
        if cut || own.clone().any(|word| named(&word)) {
            found.push(unknown(&format!("runs what `{option}` names")));
        }
    }
    for at in operands(rest, &[]) {
        let after = rest.get(at + 1..).unwrap_or_default();
        work.spend(after.len())?;
        let subcommand = rest.get(at).map_or("", |word| word.text.as_str());
        match means(name, subcommand) {
            "exec" => {
                for option in ["-c", "--call"] {
                    for script in values(after, option) {
                        found.extend(shell::commands(work, script)?);
                    }
                }
                let programs = operands(after, &["-p", "--package"]);
                for words in programs.into_iter().filter_map(|at| after.get(at..)) {
                    found.push(of(work, words)?);
                }
            }
            "explore" => {
                let program = after.iter().position(|word| word.text == "--");
                if let Some(at) = program {
                    found.push(of(work, after.get(at + 1..).unwrap_or_default())?);
                }
            }
            "config" => {
                let names = |word: &Word| {
                    let key = word.text.split('=').next().unwrap_or_default();
                    SETTINGS.contains(&key.trim_start_matches('-')) && !reads(after)
                };
                if after.iter().any(names) {
                    found.push(unknown("sets a program that it runs later"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn reads(words: &[Word]) -> bool {
    let first = words.first().map_or("", |word| word.text.as_str());
    matches!(first, "get" | "list" | "ls" | "delete" | "rm")
}

/// The subcommand that a word is: `npm` takes each cut short, as long as no other begins so.
fn means(name: &str, word: &str) -> &'static str {
    let short = |whole: &str, least: usize| {
        word == whole || (name == "npm" && word.len() >= least && whole.starts_with(word))
    };
    match word {
        "x" | "dlx" => "exec",
        "c" | "set" => "config",
        _ if short("exec", 2) => "exec",
        _ if short("explore", 3) => "explore",
        _ if short("config", 3) => "config",
        _ => "",
    }
}

/// Where the first word may stand that is no option: behind an option that may or may not take a value, there are
/// two such places.
fn operands(words: &[Word], taking: &[&str]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut before = "";
    for (at, word) in words.iter().enumerate() {
        let text = word.text.as_str();
        let value = taking.contains(&before);
        let certain = !before.starts_with('-')
            || before == "--"
            || before.contains('=')
            || ALONE.contains(&before);
        before = text;
        if value || (text.starts_with('-') && found.is_empty()) {
            continue;
        }
        if text.starts_with('-') {
            continue;
        }
        found.push(at);
        if certain {
            break;
        }
    }
    found
}
