//! Shells that a command calls, and the scripts that it hands to them.

use super::foreign;
use super::launch;
use super::options::values;
use super::shell::{self, Command, Dialect, Word};
use super::work::Work;
use super::wrapper::program;

const SHELLS: [&str; 8] = ["sh", "bash", "zsh", "dash", "ksh", "fish", "ash", "mksh"];

pub(super) fn is_posix_shell(name: &str) -> bool {
    SHELLS.contains(&name)
}

pub(super) fn is_shell(name: &str) -> bool {
    is_posix_shell(name) || matches!(name, "cmd" | "powershell" | "pwsh")
}

/// What a shell or `eval` is handed to run; none for other programs.
///
/// # Errors
/// As [`shell::commands`].
pub(super) fn handed(
    work: &Work,
    name: &str,
    rest: &[Word],
) -> Result<Option<Vec<Command>>, String> {
    Ok(Some(match name {
        "eval" => script(work, "sh", rest)?,
        "iex" | "invoke-expression" => script(work, "powershell", rest)?,
        "cmd" => foreign::cmd(work, rest)?,
        "powershell" | "pwsh" => foreign::powershell(work, rest)?,
        _ if is_posix_shell(name) => {
            let mut found = Vec::new();
            for option in ["--command", "--init-command", "-C"] {
                for value in values(rest, option).filter(|_| name == "fish") {
                    found.extend(foreign::commands(work, name, value)?);
                }
            }
            let called = called(name, rest);
            if let Called::File(file) = called
                && file.dynamic
                && file.text.starts_with(['$', '-'])
                && !rest.iter().any(|word| word.text == "--")
            {
                // `bash $x 'script'` runs the script where `x` holds `-c`.
                found.push(launch::unknown(
                    "gives a shell what may be an option; write it out, or put `--` in front of it",
                ));
            }
            if let Called::Script(text) = called {
                found.extend(match text {
                    Some(text) => script(work, name, std::slice::from_ref(text))?,
                    None => vec![launch::unknown("runs a script that the line does not hold")],
                });
            }
            found
        }
        _ => return Ok(None),
    }))
}

/// How a shell reads its lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Speech {
    /// As those that follow POSIX do.
    Family(Dialect),
    /// In another way, which is not read here.
    Foreign,
}

impl Speech {
    /// Where nobody says which shell it is.
    pub(super) const OF_NONE: Self = Self::Family(Dialect::Posix);

    pub(super) fn of(shell: &str) -> Self {
        match program(shell.trim()).as_str() {
            "bash" | "zsh" => Self::Family(Dialect::Bash),
            "" | "sh" | "dash" | "ash" | "ksh" | "mksh" => Self::OF_NONE,
            _ => Self::Foreign,
        }
    }
}

/// What a call of a shell runs.
#[derive(Debug, PartialEq)]
pub(super) enum Called<'w> {
    /// The text after `-c`, if there is any.
    Script(Option<&'w Word>),
    /// A file, or nothing at all.
    File(&'w Word),
    /// What it reads.
    Input,
}

/// What a shell is told to run. Letters may come in bundles, and `-o` takes a word wherever it stands in one.
pub(super) fn called<'w>(name: &str, rest: &'w [Word]) -> Called<'w> {
    let attached = matches!(name, "zsh" | "ksh" | "mksh");
    let (mut script, mut input, mut at) = (false, false, 0);
    while let Some(word) = rest.get(at) {
        let text = word.text.as_str();
        if text == "--" || text == "-" {
            at += 1;
            break;
        }
        if matches!(text, "--version" | "--help") {
            return Called::File(word);
        }
        if let Some(long) = text.strip_prefix("--") {
            let takes = matches!(long, "rcfile" | "init-file" | "command" | "init-command");
            at += if takes { 2 } else { 1 };
            continue;
        }
        let Some(letters) = text.strip_prefix(['-', '+']) else {
            break;
        };
        at += 1;
        for (position, letter) in letters.char_indices() {
            match letter {
                'c' if text.starts_with('-') => script = true,
                's' => input = true,
                'o' | 'O' if attached && position + 1 < letters.len() => break,
                'o' | 'O' => at += 1,
                'C' if name == "fish" => at += 1,
                _ => {}
            }
        }
    }
    match rest.get(at) {
        operand if script => Called::Script(operand),
        Some(file) if !input => Called::File(file),
        _ => Called::Input,
    }
}

/// The commands of a script that words hold, `name` being the shell that reads it. One into which another command
/// writes, or a variable, is not known.
///
/// # Errors
/// As [`shell::commands`].
pub(super) fn script(work: &Work, name: &str, words: &[Word]) -> Result<Vec<Command>, String> {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let text = texts.join(" ");
    let mut found = match Speech::of(name) {
        Speech::Family(dialect) => shell::read(work, &text, dialect)?,
        Speech::Foreign => foreign::commands(work, name, &text)?,
    };
    if words.iter().any(|word| word.output) {
        found.push(launch::unknown("runs a script that another command writes"));
    } else if words.iter().any(|word| word.dynamic) {
        // What a variable brings may end a command and begin another.
        found.push(launch::unknown(
            "runs a script with an expansion in it, of which nobody knows what it becomes; put the script in single \
             quotes",
        ));
    }
    Ok(found)
}
