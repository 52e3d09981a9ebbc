//! Programs that run what they read: shells and interpreters without a script of their own, behind a pipe or a
//! redirection. What they are fed is not known.

use super::script::{Called, called, is_posix_shell, is_shell};
use super::shell::{Command, Word};
use super::wrapper::{program, without_assignments};

/// Interpreters, and their options whose value is a word of its own and no script.
const INTERPRETERS: [(&str, &[&str]); 14] = [
    ("python", &["-W", "-X"]),
    ("pypy", &["-W", "-X"]),
    ("perl", &["-I"]),
    ("ruby", &["-I", "-r", "-C", "-E"]),
    (
        "node",
        &[
            "-r",
            "--require",
            "--import",
            "--loader",
            "-C",
            "--conditions",
        ],
    ),
    ("nodejs", &["-r", "--require", "--import"]),
    ("php", &["-d", "-c", "-z"]),
    ("lua", &["-l"]),
    ("luajit", &["-l"]),
    ("tclsh", &[]),
    ("expect", &[]),
    ("osascript", &["-l"]),
    ("iex", &[]),
    ("invoke-expression", &[]),
];

/// Programs that run commands elsewhere and may have a shell among their words.
const REMOTE: [&str; 12] = [
    "docker",
    "podman",
    "nerdctl",
    "docker-compose",
    "kubectl",
    "oc",
    "ssh",
    "lxc",
    "wsl",
    "vagrant",
    "crictl",
    "machinectl",
];

/// Options of `ssh` that take a value.
const SSH: [&str; 19] = [
    "-B", "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-o", "-O", "-p",
    "-Q", "-R", "-W",
];

/// Why nobody can tell from the line what the command runs, if it may run what it is fed.
pub(super) fn runs_input(command: &Command) -> Option<String> {
    if !command.fed {
        return None;
    }
    let words = without_assignments(&command.words);
    let (first, rest) = words.split_first()?;
    let name = program(&first.text);
    runs(&name, rest).then(|| format!("lets `{name}` run what it is fed"))
}

fn runs(name: &str, rest: &[Word]) -> bool {
    if is_posix_shell(name) {
        return match called(name, rest) {
            Called::Script(_) => false,
            Called::File(file) => is_input(file),
            Called::Input => true,
        };
    }
    if is_shell(name) {
        return operand(rest, &[]).is_none_or(|word| word.text == "-");
    }
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if let Some((_, options)) = INTERPRETERS.iter().find(|(known, _)| *known == bare) {
        let verbose = matches!(bare, "python" | "pypy");
        let asked = |word: &Word| match word.text.as_str() {
            "--version" | "--help" | "-V" => true,
            "-v" => !verbose,
            _ => false,
        };
        return match operand(rest, options) {
            Some(word) => is_input(word),
            None => !rest.iter().any(asked),
        };
    }
    if REMOTE.contains(&name) {
        let shell = rest.iter().enumerate().any(|(at, word)| {
            let inner = program(&word.text);
            is_posix_shell(&inner) && runs(&inner, rest.get(at + 1..).unwrap_or_default())
        });
        return shell || (name == "ssh" && !has_two_operands(rest));
    }
    match name {
        "source" | "." => rest.first().is_some_and(is_input),
        "at" | "batch" => !rest.iter().any(|word| word.text.starts_with("-f")),
        "crontab" => operand(rest, &["-u"]).is_none_or(is_input),
        "parallel" | "su" | "newgrp" => operand(rest, &[]).is_none(),
        _ => false,
    }
}

/// The first word that is no option, nor the value of one.
fn operand<'w>(rest: &'w [Word], options: &[&str]) -> Option<&'w Word> {
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if options.contains(&word.text.as_str()) {
            words.next();
        } else if word.text == "-" || !word.text.starts_with('-') {
            return Some(word);
        }
    }
    None
}

fn has_two_operands(rest: &[Word]) -> bool {
    let host = operand(rest, &SSH);
    let at = host.and_then(|host| rest.iter().position(|word| std::ptr::eq(word, host)));
    let after = at.and_then(|at| rest.get(at + 1..)).unwrap_or_default();
    operand(after, &SSH).is_some()
}

/// Whether a script's name stands for what is fed.
fn is_input(word: &Word) -> bool {
    let text = word.text.as_str();
    text == "-"
        || word.output
        || ["/dev/stdin", "/dev/fd", "/proc/"]
            .iter()
            .any(|start| text.starts_with(start))
}
