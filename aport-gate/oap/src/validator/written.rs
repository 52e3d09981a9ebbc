//! Files that a command line writes: redirections, and programs that are there to write.

use super::path::Path;
use super::shell::{Command, Word};
use super::wrapper::{program, without_assignments};
use super::{Failure, place};
use crate::reason::shown;

/// Programs whose last operand is what they write.
const COPIERS: [&str; 6] = ["cp", "mv", "install", "ln", "copy", "move"];

/// Why the command may not write where it does, if it takes over a machine.
pub(super) fn harm(command: &Command) -> Result<Option<String>, Failure> {
    let mut targets: Vec<&str> = command
        .writes
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    targets.extend(operands(command));
    for target in targets {
        if let Some(what) = protected(target) {
            let target = shown(&target.into());
            return Ok(Some(format!(
                "writes to `{target}`, which is protected as `{what}`"
            )));
        }
    }
    Ok(None)
}

fn operands(command: &Command) -> Vec<&str> {
    let words = without_assignments(&command.words);
    let Some((first, rest)) = words.split_first() else {
        return Vec::new();
    };
    let plain = || {
        let texts = rest.iter().map(|word: &Word| word.text.as_str());
        texts.filter(|text| !text.starts_with('-'))
    };
    match program(&first.text).as_str() {
        "tee" => plain().collect(),
        "dd" => plain()
            .filter_map(|text| text.strip_prefix("of="))
            .collect(),
        name if COPIERS.contains(&name) => {
            let into = rest
                .iter()
                .filter_map(|word| word.text.strip_prefix("--target-directory="));
            plain().skip(1).last().into_iter().chain(into).collect()
        }
        _ => Vec::new(),
    }
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
