//! Blocked patterns in other words: `rm -r -f /` is `rm -rf /`, whichever program is told to run it.

use super::shell::Command;
use super::wrapper::{program, without_assignments};
use super::{Call, Failure};

/// What ends a command or a quote within a word that may be a script: `'rm -r -f x'`, `system("rm -r -f x")`.
const ENDS: [char; 7] = [';', '|', '&', '\n', '(', ')', '`'];
const MARKS: [char; 11] = ['\'', '"', '!', ':', '{', '}', '[', ']', '<', '>', '\\'];

/// Whether the command says what the pattern says, in other words. A pattern with options is looked for behind every
/// word and inside of words, as its own text is: a program that is not known here may run it from there.
pub(super) fn respelled(call: &Call<'_>, entry: &str, command: &Command) -> Result<bool, Failure> {
    let mut parts = entry.split_whitespace();
    let Some(name) = parts.next() else {
        return Ok(false);
    };
    if !name.starts_with(char::is_alphabetic) {
        return Ok(false);
    }
    let name = program(name);
    let parts: Vec<&str> = parts.collect();
    if name.contains('-') && parts.iter().any(|part| part.starts_with('-')) {
        return is_cmdlet(call, &name, &parts, command);
    }
    let wanted = (flags(&parts), operands(&parts));
    let words: Vec<&str> = without_assignments(&command.words)
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let Some((first, rest)) = words.split_first() else {
        return Ok(false);
    };
    if program(first) == name && says(&wanted, rest) {
        return Ok(true);
    }
    // One without options is two words of any sentence.
    if wanted.0.is_empty() && !wanted.1.iter().any(|operand| is_switch(operand)) {
        return Ok(false);
    }
    let read = command.inputs.iter().map(|word| word.text.len());
    call.spend(words.iter().map(|word| word.len()).chain(read).sum())?;
    let mut lines: Vec<Vec<&str>> = vec![rest.to_vec()];
    // What a program reads may be a script to it, too.
    let read = command.inputs.iter().map(|word| word.text.as_str());
    for word in words.iter().copied().chain(read) {
        for line in word.split(ENDS) {
            let tokens: Vec<&str> = line
                .split(|c: char| c.is_whitespace() || matches!(c, ',' | '"' | '\''))
                .map(|token| token.trim_matches(MARKS))
                .filter(|token| !token.is_empty())
                .collect();
            if tokens.len() > 1 {
                lines.push(tokens);
            }
        }
    }
    for line in &lines {
        let length: usize = line.iter().map(|token| 1 + token.len()).sum();
        for (at, token) in line.iter().enumerate() {
            if program(token) != name {
                continue;
            }
            let rest = line.get(at + 1..).unwrap_or_default();
            call.spend(8 * length)?;
            if says(&wanted, rest) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// `/s`, as `cmd` writes options.
fn is_switch(word: &str) -> bool {
    word.len() == 2 && word.starts_with('/') && word.ends_with(|c: char| c.is_ascii_alphabetic())
}

/// Whether the command calls the cmdlet with these parameters, in any order and cut short: `-Rec` is `-Recurse`.
fn is_cmdlet(
    call: &Call<'_>,
    name: &str,
    parts: &[&str],
    command: &Command,
) -> Result<bool, Failure> {
    let lower = command.text().to_lowercase();
    call.spend(lower.len().saturating_mul(1 + parts.len()))?;
    let tokens: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || ENDS.contains(&c) || MARKS.contains(&c) && c != ':')
        .filter(|token| !token.is_empty())
        .collect();
    let Some(at) = tokens.iter().position(|token| program(token) == name) else {
        return Ok(false);
    };
    let given = tokens.get(at + 1..).unwrap_or_default();
    let says = |part: &&str| {
        let part = part.to_lowercase();
        given.iter().any(|token| match part.strip_prefix('-') {
            Some(parameter) => token
                .strip_prefix(['-', '\u{2013}', '\u{2014}', '\u{2015}'])
                .map(|token| token.split(':').next().unwrap_or_default())
                .is_some_and(|short| !short.is_empty() && parameter.starts_with(short)),
            None => token.starts_with(&part),
        })
    };
    Ok(parts.iter().all(says))
}

fn says((flags_wanted, operands_wanted): &(Vec<Flag>, Vec<String>), words: &[&str]) -> bool {
    let given = flags(words);
    let given_operands = operands(words);
    flags_wanted.iter().all(|flag| flag.is_in(&given))
        && operands_wanted.iter().all(|operand| {
            given_operands
                .iter()
                .any(|given| given.starts_with(operand))
        })
}

pub(super) fn operands(words: &[&str]) -> Vec<String> {
    words
        .iter()
        .filter(|word| !word.starts_with('-'))
        .map(|word| word.to_lowercase())
        .collect()
}

/// An option, in lower case and without its value.
#[derive(Debug, PartialEq)]
pub(super) enum Flag {
    Letter(char),
    Long(String),
}

impl Flag {
    /// Whether it is among those given, which may be cut short: `--rec` is `--recursive`, and so is `-r`.
    pub(super) fn is_in(&self, given: &[Self]) -> bool {
        let word = match self {
            Self::Letter('r') => "recursive",
            Self::Letter('f') => "force",
            Self::Letter(_) => "",
            Self::Long(word) => word,
        };
        given.iter().any(|given| match given {
            Self::Long(short) => !short.is_empty() && word.starts_with(short.as_str()),
            Self::Letter('r') if word == "recursive" => true,
            Self::Letter('f') if word == "force" => true,
            letter => letter == self,
        })
    }
}

pub(super) fn flags(words: &[&str]) -> Vec<Flag> {
    let mut flags = Vec::new();
    for word in words.iter().take_while(|word| **word != "--") {
        match word.strip_prefix("--") {
            Some(long) => {
                let name = long.split('=').next().unwrap_or_default();
                flags.push(Flag::Long(name.to_lowercase()));
            }
            None => {
                let letters = word.strip_prefix('-').unwrap_or_default().chars();
                flags.extend(letters.flat_map(char::to_lowercase).map(Flag::Letter));
            }
        }
    }
    flags
}
