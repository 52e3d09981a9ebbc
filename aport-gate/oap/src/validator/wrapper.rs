//! Programs that run another program: what they run has to pass as well.

use super::launch;
use super::shell::{self, Command, MAX_COMMANDS, MAX_NESTING, Word};

/// Name, options that take a value, and how many plain words come before the program.
const WRAPPERS: [(&str, &[&str], usize); 39] = [
    ("env", &["-u", "-C", "--unset", "--chdir"], 0),
    (
        "sudo",
        &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D"],
        0,
    ),
    ("doas", &["-u", "-C"], 0),
    ("nohup", &[], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("ionice", &["-c", "-n", "-p"], 0),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"], 1),
    ("time", &["-o", "-f"], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("setsid", &[], 0),
    ("command", &[], 0),
    ("builtin", &[], 0),
    ("exec", &["-a"], 0),
    (
        "xargs",
        &["-I", "-n", "-P", "-L", "-d", "-E", "-s", "-a"],
        0,
    ),
    ("busybox", &[], 0),
    ("toybox", &[], 0),
    ("chroot", &[], 1),
    ("unshare", &[], 0),
    ("watch", &["-n", "--interval"], 0),
    ("strace", &["-o", "-e", "-p"], 0),
    ("caffeinate", &["-t"], 0),
    ("parallel", &["-j"], 0),
    ("flock", &["-w", "--timeout", "-E"], 1),
    ("setpriv", &["--reuid", "--regid", "--groups"], 0),
    ("taskset", &[], 1),
    ("chrt", &[], 1),
    ("runuser", &["-u", "-g", "-G"], 0),
    ("fakeroot", &[], 0),
    (
        "systemd-run",
        &["-p", "-u", "-E", "-M", "-t", "--unit", "--property"],
        0,
    ),
    ("ltrace", &["-o", "-e", "-p"], 0),
    ("valgrind", &[], 0),
    ("nsenter", &["-t", "--target"], 0),
    ("dbus-run-session", &[], 0),
    ("proxychains", &["-f"], 0),
    ("proxychains4", &["-f"], 0),
    ("torsocks", &[], 0),
    ("unbuffer", &[], 0),
    ("gosu", &[], 1),
    ("su-exec", &[], 1),
];

const SHELLS: [&str; 8] = ["sh", "bash", "zsh", "dash", "ksh", "fish", "ash", "mksh"];

/// The program's own name: without its directory and, as on Windows, without `.exe`.
pub(super) fn program(word: &str) -> String {
    let name = word
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(word)
        .to_lowercase();
    match name
        .strip_suffix(".exe")
        .or_else(|| name.strip_suffix(".cmd"))
    {
        Some(bare) => bare.to_owned(),
        None => name,
    }
}

pub(super) fn is_shell(name: &str) -> bool {
    SHELLS.contains(&name) || matches!(name, "cmd" | "powershell" | "pwsh")
}

/// The commands with all that they wrap, outer ones first.
///
/// # Errors
/// As [`shell::commands`].
pub(super) fn unwrapped(commands: Vec<Command>) -> Result<Vec<Command>, String> {
    let mut all = Vec::new();
    let mut queue: Vec<(Command, usize)> = commands
        .into_iter()
        .map(|command| (command, 0))
        .rev()
        .collect();
    while let Some((command, depth)) = queue.pop() {
        if all.len() >= MAX_COMMANDS {
            return Err(format!("has more than {MAX_COMMANDS} commands"));
        }
        if depth > MAX_NESTING {
            return Err("is nested too deeply".to_owned());
        }
        let inner = inside(&command)?;
        all.push(command);
        queue.extend(inner.into_iter().rev().map(|command| (command, depth + 1)));
    }
    Ok(all)
}

/// What a command runs besides itself: what it wraps, and what its options name.
fn inside(command: &Command) -> Result<Vec<Command>, String> {
    let words = without_assignments(&command.words);
    let Some((first, rest)) = words.split_first() else {
        return Ok(Vec::new());
    };
    let mut all = wrapped(command)?;
    all.extend(launch::launched(&program(&first.text), rest)?);
    Ok(all)
}

fn wrapped(command: &Command) -> Result<Vec<Command>, String> {
    let words = without_assignments(&command.words);
    let Some((first, rest)) = words.split_first() else {
        return Ok(Vec::new());
    };
    let name = program(&first.text);
    let of = |words: &[Word]| {
        vec![Command {
            words: words.to_vec(),
            piped: command.piped,
            ..Command::default()
        }]
    };
    if name == "eval" || name == "iex" || name == "invoke-expression" {
        return script(rest);
    }
    if is_shell(&name) {
        for (at, word) in rest.iter().enumerate() {
            let option = word.text.to_lowercase();
            let after = rest.get(at + 1..).unwrap_or_default();
            if option.starts_with("-e")
                && "-encodedcommand".starts_with(&option)
                && name.starts_with('p')
            {
                return Err("runs an encoded command".to_owned());
            }
            let windows = matches!(option.as_str(), "/c" | "/k" | "/r" | "-command" | "-c");
            let cluster =
                option.starts_with('-') && !option.starts_with("--") && option.ends_with('c');
            if windows || (cluster && SHELLS.contains(&name.as_str())) {
                let script_words = if SHELLS.contains(&name.as_str()) {
                    after.get(..1).unwrap_or_default()
                } else {
                    after
                };
                return script(script_words);
            }
        }
        return Ok(Vec::new());
    }
    if name == "find" {
        let runs =
            |word: &Word| matches!(word.text.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir");
        let mut found = Vec::new();
        for (at, _) in rest.iter().enumerate().filter(|(_, word)| runs(word)) {
            let words = rest.get(at + 1..).unwrap_or_default();
            let end = words
                .iter()
                .position(|word| matches!(word.text.as_str(), ";" | "+"))
                .unwrap_or(words.len());
            found.extend(of(words.get(..end).unwrap_or_default()));
        }
        return Ok(found);
    }
    let Some((_, options, plain)) = WRAPPERS.iter().find(|(known, ..)| *known == name) else {
        return Ok(Vec::new());
    };
    let mut rest = rest;
    let mut plain = *plain;
    while let Some((word, tail)) = rest.split_first() {
        let text = word.text.as_str();
        if name == "env" && matches!(text, "-S" | "--split-string") {
            return script(tail);
        }
        if let Some(inner) = text
            .strip_prefix("--split-string=")
            .filter(|_| name == "env")
        {
            return shell::commands(inner);
        }
        if name == "env" && text.starts_with("-S") {
            return shell::commands(text.get(2..).unwrap_or_default());
        }
        if options.contains(&text) {
            rest = tail.get(1..).unwrap_or_default();
        } else if text.starts_with('-') || is_assignment(text) {
            rest = tail;
        } else if plain > 0 {
            plain -= 1;
            rest = tail;
        } else {
            return Ok(of(rest));
        }
    }
    Ok(Vec::new())
}

fn script(words: &[Word]) -> Result<Vec<Command>, String> {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    shell::commands(&texts.join(" "))
}

/// The words from the program on: `A=b program`.
pub(super) fn without_assignments(words: &[Word]) -> &[Word] {
    let at = words.iter().position(|word| !is_assignment(&word.text));
    words.get(at.unwrap_or(words.len())..).unwrap_or_default()
}

pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.trim_end_matches('+');
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}
