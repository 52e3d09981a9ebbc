//! Files that a command line writes: redirections, and programs that are there to write.

use super::options::{bundled, values};
use super::path::Path;
use super::shell::{Command, Word};
use super::wrapper::{program, without_assignments};
use super::{Failure, place};
use crate::reason::shown;

/// Programs whose last operand is what they write.
const COPIERS: [&str; 6] = ["cp", "mv", "install", "ln", "copy", "move"];

/// Programs that write to the value of `-o`, in any bundle of options.
const OUTPUT: [&str; 8] = ["git", "curl", "sort", "gcc", "cc", "clang", "rustc", "go"];

/// Why the command may not write where it does, if it takes over a machine.
pub(super) fn harm(command: &Command) -> Result<Option<String>, Failure> {
    let words = without_assignments(&command.words);
    let operands = operands(words);
    for word in command.writes.iter().chain(operands) {
        if is_glob(word) {
            return Ok(Some(nameless(word)));
        }
        if let Some(why) = refused(&word.text) {
            return Ok(Some(why));
        }
    }
    for value in values_of(words) {
        let unread = |word: &Word| is_glob(word) && word.text.ends_with(value);
        if let Some(word) = words.iter().find(|word| unread(word)) {
            return Ok(Some(nameless(word)));
        }
        if let Some(why) = refused(value) {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// Whether a shell makes of the word what the files there are say: `/e*c/passwd`.
fn is_glob(word: &Word) -> bool {
    word.dynamic && word.text.contains(['*', '?', '['])
}

fn nameless(word: &Word) -> String {
    let target = shown(&word.text.as_str().into());
    format!("writes to `{target}`, which names no file; write the name in full")
}

fn refused(target: &str) -> Option<String> {
    let what = protected(target)?;
    let target = shown(&target.into());
    Some(format!(
        "writes to `{target}`, which is protected as `{what}`"
    ))
}

/// Operands that are written.
fn operands(words: &[Word]) -> Vec<&Word> {
    let Some((first, rest)) = words.split_first() else {
        return Vec::new();
    };
    let plain = || rest.iter().filter(|word| !word.text.starts_with('-'));
    match program(&first.text).as_str() {
        "tee" => plain().collect(),
        name if COPIERS.contains(&name) => plain().skip(1).last().into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Values of options and settings that are written.
fn values_of(words: &[Word]) -> Vec<&str> {
    let Some((first, rest)) = words.split_first() else {
        return Vec::new();
    };
    let texts = rest.iter().map(|word| word.text.as_str());
    let name = program(&first.text);
    let mut found: Vec<&str> = Vec::new();
    // `--output`, `--output-document`, `--output-directory`, …
    for (at, word) in rest.iter().enumerate() {
        if let Some(option) = word.text.strip_prefix("--output") {
            let value = option.split_once('=').map(|(_, value)| value);
            let next = rest.get(at + 1).map(|word| word.text.as_str());
            found.extend(value.or(next));
        }
    }
    let short =
        |letter: char, option, taking| values(rest, option).chain(bundled(rest, letter, taking));
    match name.as_str() {
        "find" => {
            for option in ["-fprint", "-fprint0", "-fprintf", "-fls"] {
                let at = |(at, word): (usize, &Word)| (word.text == option).then_some(at + 1);
                let files = rest.iter().enumerate().filter_map(at);
                found.extend(files.filter_map(|at| Some(rest.get(at)?.text.as_str())));
            }
        }
        "dd" => found.extend(texts.filter_map(|text| text.strip_prefix("of="))),
        "wget" => found.extend(short('O', "-O", "oaeiBtTwQPUADRIlX")),
        name if OUTPUT.contains(&name) => found.extend(short('o', "-o", "")),
        name if COPIERS.contains(&name) => {
            found.extend(short('t', "-t", "Sgmo"));
            found.extend(values(rest, "--target-directory"));
        }
        _ => {}
    }
    found
}

/// What makes the file one that nobody may write by a command. A path that climbs is read as far as text can tell.
fn protected(target: &str) -> Option<String> {
    let text = target.replace('\\', "/");
    let rooted = text.starts_with('/') || text.starts_with('~');
    let mut kept: Vec<&str> = Vec::new();
    for segment in text.split('/') {
        if segment == ".." {
            kept.pop();
        } else {
            kept.push(segment);
        }
    }
    let mut plain = kept.join("/");
    if rooted && !plain.starts_with(['/', '~']) {
        plain.insert(0, '/');
    }
    match Path::read("file", &plain) {
        Ok(path) => place::takes_over(&path),
        Err(_) => Some("a name that does not show".to_owned()),
    }
}
