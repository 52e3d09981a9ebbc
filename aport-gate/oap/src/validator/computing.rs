//! What `bash` and others compute besides `$((…))`, and what a line gives to variables. The value of a variable is
//! arithmetic where it is computed, and so is an index in it, with all that the index substitutes. Which text becomes
//! an index nobody can tell: it may be joined from pieces. So where anything that a variable may hold is computed, a
//! line gives numbers to variables and nothing else.

use super::Call;
use super::shell::Word;
use super::wrapper::is_assignment;
use serde_json::Value;

/// Words in front of a command of the shell's own.
const BEFORE: [&str; 15] = [
    "time",
    "command",
    "builtin",
    "exec",
    "noglob",
    "nocorrect",
    "!",
    "{",
    "if",
    "then",
    "elif",
    "else",
    "while",
    "until",
    "do",
];

/// Commands that declare variables.
const DECLARING: [&str; 7] = [
    "declare", "typeset", "local", "export", "readonly", "integer", "float",
];

/// Variables to which a shell gives words of the line or of what it reads.
const SET_BY_SHELL: [&str; 13] = [
    "_", "REPLY", "MAPFILE", "OPTARG", "PWD", "OLDPWD", "DIRSTACK", "FUNCNAME", "COPROC", "argv",
    "history", "match", "MATCH",
];

/// What a command does to the account.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Computing {
    /// Whether it computes what a variable may hold.
    pub(super) computes: bool,
    /// Whether it gives a variable, or to what it computes, anything but a number.
    pub(super) gives: bool,
}

/// What the words compute, and what they give to variables.
pub(super) fn of(words: &[Word]) -> Computing {
    let own = own(words);
    // What `let` assigns is computed, and a number.
    let computed = own
        .filter(|(name, _)| *name == "let")
        .map_or(0, |(_, rest)| rest.len());
    let given = words.get(..words.len() - computed).unwrap_or_default();
    let mut found = Computing {
        computes: false,
        gives: given
            .iter()
            .any(|word| is_assignment(&word.text) && !is_number(word, value(word))),
    };
    let Some((name, rest)) = own else {
        return found;
    };
    // A name or a number that is computed, with an index or not.
    let mut operand = |word: &Word| {
        let index = word.text.contains(['[', '(', '`']);
        found.computes |= index || (word.dynamic && !is_number(word, &word.text));
        found.gives |= index || word.output || is_set_by_shell(&word.text);
    };
    let option = |letter: char| {
        let has = |word: &&Word| word.text.starts_with(['-', '+']) && word.text.contains(letter);
        rest.iter().position(|word| has(&word))
    };
    match name {
        "for" => {
            let list = rest.get(1).is_some_and(|word| word.text == "in");
            let mut words = rest.iter().skip(2);
            found.gives |= !list || words.any(|word| !is_number(word, &word.text));
        }
        "select" | "coproc" | "vared" | "zparseopts" | "zstat" => found.gives = true,
        "read" | "mapfile" | "readarray" | "getopts" => {
            rest.iter().for_each(operand);
            found.gives = true;
        }
        "set" => found.gives |= option('A').is_some(),
        "wait" => {
            if let Some(at) = option('p') {
                rest.iter().skip(at).for_each(operand);
                found.gives = true;
            }
        }
        "unset" | "exit" | "return" | "shift" | "break" | "continue" | "repeat" => {
            rest.iter().for_each(operand);
        }
        "let" => {
            rest.iter().for_each(&mut operand);
            found.computes |= rest.iter().any(|word| !is_number(word, &word.text));
        }
        "printf" | "print" => {
            let variable = option('v');
            if let Some(at) = variable {
                rest.iter().skip(at).take(2).for_each(&mut operand);
            }
            // Some shells compute what stands for a number.
            if rest.iter().any(|word| has_number_format(&word.text)) {
                rest.iter().skip(1).for_each(operand);
            }
            found.gives |= variable.is_some();
        }
        "test" | "[" | "[[" => tested(name, rest, operand),
        _ if DECLARING.contains(&name) => {
            let computes = matches!(name, "integer" | "float")
                || ['i', 'n', 'E', 'F'].iter().any(|c| option(*c).is_some());
            for word in rest.iter().filter(|word| !word.text.starts_with('-')) {
                let (name, _) = word.text.split_once('=').unwrap_or((&word.text, ""));
                if name.contains(['[', '$', '(', '`']) || !word.text.contains('=') {
                    operand(word);
                }
            }
            found.computes |= computes;
            // A word that brings both the name and the value.
            found.gives |= rest
                .iter()
                .any(|word| word.dynamic && !is_assignment(&word.text));
        }
        "env" => {
            found.gives |= rest
                .iter()
                .any(|word| word.dynamic && !is_assignment(&word.text));
        }
        _ => {}
    }
    found
}

/// Conditions: numbers are computed, and a variable's name may have an index.
fn tested(name: &str, rest: &[Word], mut operand: impl FnMut(&Word)) {
    let operators = ["-v", "-R", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"];
    let open = |word: &Word| word.dynamic || word.text.contains("[$") || word.text.contains("[`");
    let computes = rest
        .iter()
        .any(|word| operators.contains(&word.text.as_str()))
        // To `[`, an operator is a word like others, and a word without quotes may be several.
        || (name != "[["
            && (rest.iter().any(|word| word.dynamic && word.several)
                || rest
                    .windows(2)
                    .any(|pair| pair.iter().all(&open))));
    if computes {
        rest.iter()
            .filter(|word| word.text != "]]")
            .for_each(&mut operand);
    }
}

/// Whether the request gives the command variables that hold more than numbers.
pub(super) fn environment_gives(call: &Call<'_>) -> bool {
    let number = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text.chars().all(|c| c.is_ascii_digit()))
    };
    match call.field("env") {
        None => false,
        Some(Value::Object(variables)) => !variables.values().all(number),
        Some(_) => true,
    }
}

/// Whether arithmetic names what a shell fills with words: its own variables, and its parameters.
pub(super) fn is_set_by_shell(text: &str) -> bool {
    let mut names = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let parameter = text.split('$').skip(1).any(|rest| {
        let name = rest.strip_prefix('{').unwrap_or(rest);
        name.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '@' | '*' | '-' | '!'))
    });
    parameter || names.any(|name| name.starts_with("BASH") || SET_BY_SHELL.contains(&name))
}

/// The name of a command of the shell's own, and the words behind it.
fn own(words: &[Word]) -> Option<(&str, &[Word])> {
    let mut rest = words;
    let mut behind = false;
    while let Some((first, tail)) = rest.split_first() {
        let text = first.text.as_str();
        if matches!(text, "function" | "coproc") {
            let block = tail.iter().position(|word| word.text == "{");
            let Some(block) = block else {
                return Some(("coproc", tail));
            };
            rest = tail.get(block + 1..).unwrap_or_default();
        } else if BEFORE.contains(&text) || is_assignment(text) || (behind && text.starts_with('-'))
        {
            rest = tail;
        } else {
            return Some((text, tail));
        }
        behind = true;
    }
    None
}

fn value(word: &Word) -> &str {
    word.text.split_once('=').map_or("", |(_, value)| value)
}

/// Whether the text, a part of the word, is a number whatever it is expanded to: digits, `$((…))`, `$#`, `$?`,
/// `${#x}`. Nothing at all counts as zero.
fn is_number(word: &Word, text: &str) -> bool {
    let length = text
        .strip_prefix("${#")
        .and_then(|rest| rest.strip_suffix('}'));
    if length.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')) {
        return true;
    }
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '0'..='9' => {}
            // What is left of `$((…))`; of `$(…)` as well, but that is output.
            '$' if word.dynamic && !word.output => match rest.peek() {
                None | Some('$') => {}
                Some('#' | '?') => {
                    rest.next();
                }
                Some(_) => return false,
            },
            _ => return false,
        }
    }
    true
}

/// Whether a format has a place for a number.
fn has_number_format(text: &str) -> bool {
    text.split('%').skip(1).any(|rest| {
        let kind = rest.trim_start_matches(|c: char| {
            c.is_ascii_digit() || matches!(c, '-' | '+' | ' ' | '#' | '.' | '\'' | '$' | 'l' | 'h')
        });
        kind.starts_with(|c: char| "diouxXeEfFgGaAc*".contains(c))
    })
}
