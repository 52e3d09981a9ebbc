//! Options that only a variable or a substitution knows: `rm $x y` may be `rm -rf y`.

use super::respelled::{Flag, flags, operands};
use super::shell::{Command, Word};
use super::wrapper::{program, without_assignments};
use super::{Call, Failure};

/// Options of `git` in front of its subcommand that take a value.
const GIT: [&str; 7] = [
    "-C",
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--super-prefix",
    "--config-env",
];

/// The first word of the command that may say what is missing from it to be what the pattern blocks. Patterns without
/// options, and those about other programs or subcommands, do not ask.
pub(super) fn computed<'c>(
    call: &Call<'_>,
    entry: &str,
    command: &'c Command,
) -> Result<Option<&'c str>, Failure> {
    let mut parts = entry.split_whitespace();
    let name = parts.next().unwrap_or_default();
    let parts: Vec<&str> = parts.collect();
    let wanted = flags(&parts);
    if wanted.is_empty() || !name.starts_with(char::is_alphabetic) {
        return Ok(None);
    }
    let name = program(name);
    let Some((first, rest)) = without_assignments(&command.words).split_first() else {
        return Ok(None);
    };
    if program(&first.text) != name {
        return Ok(None);
    }
    call.spend(rest.iter().map(|word| 8 * word.text.len()).sum())?;
    // Behind `--` there are no options.
    let end = rest.iter().position(|word| word.text == "--");
    let rest = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    let unknown: Vec<&Word> = rest
        .iter()
        .filter(|word| may_be_option(word, command.splits))
        .collect();
    let Some(hides) = unknown.first() else {
        return Ok(None);
    };
    let about = parts.first().filter(|part| !part.starts_with('-'));
    if let Some(about) = about
        && let Some(subcommand) = subcommand(&name, rest)
        && !subcommand.starts_with(&about.to_lowercase())
    {
        return Ok(None);
    }
    // What the line says for sure, and how many words it takes to say the rest.
    let said: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
    let (given, plain) = (flags(&said), operands(&said));
    let missing = |flag: &&Flag| !flag.is_in(&given);
    let letters = wanted
        .iter()
        .filter(missing)
        .any(|flag| matches!(flag, Flag::Letter(_)));
    let long = wanted
        .iter()
        .filter(missing)
        .filter(|flag| matches!(flag, Flag::Long(_)));
    let operands = operands(&parts);
    let operands = operands.iter().filter(|operand| {
        !plain
            .iter()
            .any(|given| given.starts_with(operand.as_str()))
    });
    let words = usize::from(letters) + long.count() + operands.count();
    let enough = unknown.len() >= words || unknown.iter().any(|word| word.several);
    Ok(enough.then_some(hides.text.as_str()))
}

/// Whether the word may stand for an option: it begins with what is not known, or with a dash, or it falls into several.
fn may_be_option(word: &Word, splits: bool) -> bool {
    let text = word.text.as_str();
    if !word.dynamic {
        return false;
    }
    if text.starts_with('-') {
        return text.contains(['$', '*', '?', '[']);
    }
    // These begin with `/`.
    let places = ["$HOME/", "${HOME}/", "$PWD/", "${PWD}/"];
    if text.starts_with('$') && !places.iter().any(|start| text.starts_with(start)) {
        return true;
    }
    word.several && splits
}

/// The subcommand, where it is the same whatever else the words stand for.
fn subcommand(name: &str, rest: &[Word]) -> Option<String> {
    let mut before = "";
    for word in rest {
        let text = word.text.as_str();
        if word.dynamic {
            return None;
        }
        // The word behind an option may be its value.
        let value = match name {
            "git" => GIT.contains(&before),
            _ => before.starts_with('-') && !before.contains('='),
        };
        if !text.starts_with('-') && !value {
            return Some(text.to_lowercase());
        }
        before = text;
    }
    None
}
