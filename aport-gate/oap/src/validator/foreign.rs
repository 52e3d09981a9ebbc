//! Shells that read lines in ways of their own: `cmd`, PowerShell, `fish` and those that are not known. Plain words
//! mean the same to all of them; what else stands in a line is not read here, which no list allows.

use super::launch::unknown;
use super::script::script;
use super::shell::{Command, MAX_COMMANDS, Word};
use super::work::Work;
use super::wrapper::program;

/// The command in a line for such a shell. One with more than plain words is unknown; what it seems to run is held
/// against what is harmful all the same.
///
/// # Errors
/// As [`super::shell::commands`].
pub(super) fn commands(work: &Work, name: &str, text: &str) -> Result<Vec<Command>, String> {
    let windows = matches!(program(name).as_str(), "cmd" | "powershell" | "pwsh");
    let dos = program(name) == "cmd";
    let mut found = Vec::new();
    if !is_plain(text, windows) {
        found.push(unknown(&format!(
            "holds more than plain words, which is not read here as `{name}` would; use words of letters, digits and \
             `_ - . / : = + @ ~` alone"
        )));
    }
    for part in text.split([';', '&', '|', '\n', '(', ')', '{', '}']) {
        let mut words = Vec::new();
        for bare in part.split_whitespace() {
            work.spend(bare.len())?;
            let text = bare.replace(['\'', '"', '^', '`'], "");
            for text in switches(&text, dos, words.is_empty()) {
                let word = Word {
                    text: text.to_owned(),
                    ..Word::default()
                };
                work.word(&word)?;
                words.push(word);
            }
        }
        if words.is_empty() {
            continue;
        }
        if found.len() >= MAX_COMMANDS {
            return Err(format!("has more than {MAX_COMMANDS} commands"));
        }
        found.push(Command {
            words,
            ..Command::default()
        });
    }
    Ok(found)
}

/// The words that `cmd` makes of one: a program and its switches need no blank between them (`del/s/q`). Elsewhere, and
/// in paths, a slash is a character like others.
fn switches(word: &str, dos: bool, is_program: bool) -> Vec<&str> {
    let Some(first) = word.find('/').filter(|first| dos && *first > 0) else {
        return vec![word];
    };
    let (head, tail) = word.split_at(first);
    let letter = |switch: &str| switch.split(':').next().unwrap_or_default().len() == 1;
    if !is_program && !tail.split('/').skip(1).all(letter) {
        return vec![word];
    }
    let mut words = vec![head];
    let mut starts = tail.match_indices('/').map(|(at, _)| at).peekable();
    while let Some(from) = starts.next() {
        let to = starts.peek().copied().unwrap_or(tail.len());
        words.extend(tail.get(from..to));
    }
    words
}

/// Words that no shell takes for anything else. A comma makes two words of one in PowerShell, and `=` in front of a
/// program is one thing to `cmd` and another to others.
fn is_plain(text: &str, windows: bool) -> bool {
    let name = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '_' | '-' | '.' | '/' | ':')
            || (windows && c == '\\')
    };
    let words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    words.enumerate().all(|(at, word)| {
        let more = |c: char| at > 0 && matches!(c, '=' | '+' | '@' | '~');
        word.starts_with(name) && word.chars().all(|c| name(c) || more(c))
    })
}

/// What `cmd` runs: all behind `/c`, however it is bundled.
///
/// # Errors
/// As [`commands`].
pub(super) fn cmd(work: &Work, rest: &[Word]) -> Result<Vec<Command>, String> {
    for (at, word) in rest.iter().enumerate() {
        let lower = word.text.to_ascii_lowercase();
        let options = ["/c", "/k", "/r", "-c"];
        let begins = options.iter().filter_map(|option| lower.find(option)).min();
        let Some(begins) = begins.filter(|_| lower.starts_with(['/', '-'])) else {
            continue;
        };
        let mut words = Vec::new();
        let attached = word.text.get(begins + 2..).unwrap_or_default();
        if !attached.is_empty() {
            words.push(Word {
                text: attached.to_owned(),
                ..word.clone()
            });
        }
        words.extend(work.copied(rest.get(at + 1..).unwrap_or_default())?);
        return script(work, "cmd", &words);
    }
    Ok(Vec::new())
}

/// Options of PowerShell that take a value. Each may be cut short.
const TAKING: [&str; 9] = [
    "executionpolicy",
    "ep",
    "windowstyle",
    "version",
    "outputformat",
    "inputformat",
    "psconsolefile",
    "configurationname",
    "workingdirectory",
];

/// What PowerShell runs: all behind `-Command`, which may be cut short or left out.
///
/// # Errors
/// As [`commands`], and an encoded command.
pub(super) fn powershell(work: &Work, rest: &[Word]) -> Result<Vec<Command>, String> {
    let mut at = 0;
    while let Some(word) = rest.get(at) {
        let lower = word.text.to_lowercase();
        let after = rest.get(at + 1..).unwrap_or_default();
        let Some(option) = lower.strip_prefix(['-', '/']) else {
            let script_and_rest = rest.get(at..).unwrap_or_default();
            return script(work, "powershell", script_and_rest);
        };
        let option = option.trim_start_matches('-');
        let cut = |whole: &str| !option.is_empty() && whole.starts_with(option);
        if option == "ec" || cut("encodedcommand") {
            return Err("runs an encoded command".to_owned());
        }
        if cut("commandwithargs") || option == "cwa" {
            return script(work, "powershell", after);
        }
        if cut("file") {
            return Ok(Vec::new());
        }
        let taking = TAKING.iter().any(|taking| cut(taking));
        at += if taking { 2 } else { 1 };
    }
    Ok(Vec::new())
}
