//! Programs that well-known programs run because an option, a setting or a word of theirs says so. What is found has
//! to pass as if it had been called; what an option hides in a file or a directory is unknown, which no list allows.

use super::builtin;
use super::git;
use super::options::{bundled, values};
use super::package;
use super::script;
use super::shell::{self, Command, Word};
use super::work::Work;

/// Programs with options whose value is a command line. A long option may be cut short, as GNU programs take it.
const OPTIONS: [(&str, &[&str]); 20] = [
    ("tar", &TAR),
    ("bsdtar", &TAR),
    ("gtar", &TAR),
    ("rsync", &["-e", "--rsh"]),
    ("scp", &["-S"]),
    ("sftp", &["-S", "-D"]),
    ("man", &["-P", "--pager", "-H", "--html"]),
    ("zip", &["-TT", "--unzip-command"]),
    ("sort", &["--compress-program"]),
    ("split", &["--filter"]),
    ("wget", &["--use-askpass"]),
    ("script", &["-c", "--command"]),
    ("mapfile", &["-C"]),
    ("readarray", &["-C"]),
    ("compgen", &["-C"]),
    ("complete", &["-C"]),
    ("su", &["-c", "--command", "--session-command"]),
    ("runuser", &["-c", "--command", "--session-command"]),
    ("flock", &["-c", "--command"]),
    ("hg", &["--remotecmd", "--ssh", "-e"]),
];
const TAR: [&str; 7] = [
    "-I",
    "--use-compress-program",
    "--to-command",
    "-F",
    "--info-script",
    "--new-volume-script",
    "--rsh-command",
];

/// What a command runs by its options, `name` being the program's own name and `rest` the words after it.
///
/// # Errors
/// As [`shell::commands`].
pub(super) fn launched(work: &Work, name: &str, rest: &[Word]) -> Result<Vec<Command>, String> {
    let mut found = Vec::new();
    if let Some((_, options)) = OPTIONS.iter().find(|(known, _)| *known == name) {
        for value in options.iter().flat_map(|option| values(rest, option)) {
            found.extend(shell::commands(work, value)?);
        }
    }
    if let Some(why) = builtin::evaluates(name, rest) {
        found.push(unknown(&why));
    }
    match name {
        "git" => found.extend(git::launched(work, rest)?),
        "tar" | "bsdtar" | "gtar" => {
            for letter in ['I', 'F'] {
                for value in bundled(rest, letter, "fCTXbgKLNVHIF") {
                    found.extend(shell::commands(work, value)?);
                }
            }
            // `tar cIf program file`: the old way, without a dash.
            let old = rest
                .first()
                .is_some_and(|word| !word.text.starts_with('-') && word.text.contains(['I', 'F']));
            if old {
                found.push(unknown("runs a program that its first word asks for"));
            }
            for action in values(rest, "--checkpoint-action") {
                if let Some(script) = action.strip_prefix("exec=") {
                    found.extend(shell::commands(work, script)?);
                }
            }
        }
        "rsync" => {
            // `-avze ssh`: the last of several letters takes the value.
            for pair in rest.windows(2) {
                if let [letters, value] = pair
                    && is_cluster(&letters.text)
                    && letters.text.len() > 2
                    && letters.text.ends_with('e')
                {
                    found.extend(shell::commands(work, &value.text)?);
                }
            }
        }
        "script" => {
            for value in bundled(rest, 'c', "EIOBTmot") {
                found.extend(shell::commands(work, value)?);
            }
        }
        "trap" => {
            let script = rest.iter().find(|word| word.text != "--");
            let script = script.filter(|word| !word.text.starts_with('-'));
            found.extend(script::script(
                work,
                "sh",
                script.map_or(&[], std::slice::from_ref),
            )?);
        }
        "alias" => {
            for word in rest {
                if let Some((_, value)) = word.text.split_once('=') {
                    let value = Word {
                        text: value.to_owned(),
                        ..word.clone()
                    };
                    found.extend(script::script(work, "sh", std::slice::from_ref(&value))?);
                }
            }
        }
        "ssh" | "scp" | "sftp" => secure_shell(work, rest, &mut found)?,
        "npx" => {
            // Behind the program's name, options are the program's own.
            let takes = |at: usize| {
                let before = at.checked_sub(1).and_then(|at| rest.get(at));
                before.is_some_and(|word| matches!(word.text.as_str(), "-p" | "--package"))
            };
            let plain = |(at, word): (usize, &Word)| !word.text.starts_with('-') && !takes(at);
            let own = rest.iter().enumerate().position(plain);
            // The script is such a word itself.
            let own = rest
                .get(..own.map_or(rest.len(), |at| at + 1))
                .unwrap_or_default();
            for option in ["-c", "--call"] {
                for script in values(own, option) {
                    found.extend(shell::commands(work, script)?);
                }
            }
        }
        "npm" | "pnpm" | "yarn" | "bun" => package::launched(work, name, rest, &mut found)?,
        "make" | "gmake" => {
            for word in rest {
                if let Some(shell) = word.text.strip_prefix("SHELL=") {
                    found.extend(shell::commands(work, shell)?);
                }
            }
            if values(rest, "--eval").next().is_some() {
                found.push(unknown("runs what `--eval` says"));
            }
        }
        "cargo" => {
            let runs = [
                "runner",
                "wrapper",
                "linker",
                "rustc",
                "rustdoc",
                "alias",
                "credential",
            ];
            for value in values(rest, "--config") {
                if !value.contains('=') || runs.iter().any(|key| value.contains(key)) {
                    found.push(unknown("runs what `--config` says"));
                }
            }
        }
        "awk" | "gawk" | "mawk" | "nawk" => {
            let runs = |word: &&Word| {
                let squeezed: String = word.text.split_whitespace().collect();
                ["system(", "|getline", "|\"", "\"|"]
                    .iter()
                    .any(|mark| squeezed.contains(mark))
            };
            if rest.iter().any(|word| runs(&word)) {
                found.push(unknown("runs programs from its script"));
            }
        }
        _ => {}
    }
    Ok(found)
}

/// A program that a command runs without its line saying which.
pub(super) fn unknown(why: &str) -> Command {
    Command {
        unknown: Some(why.to_owned()),
        ..Command::default()
    }
}

fn is_cluster(text: &str) -> bool {
    text.starts_with('-') && !text.starts_with("--")
}

fn secure_shell(work: &Work, rest: &[Word], found: &mut Vec<Command>) -> Result<(), String> {
    for setting in values(rest, "-o") {
        let (key, value) = setting.split_once(['=', ' ']).unwrap_or((setting, ""));
        let value = value.trim_start_matches(['=', ' ']);
        match key.trim().to_lowercase().as_str() {
            "proxycommand" | "localcommand" | "knownhostscommand" if value != "none" => {
                found.extend(shell::commands(work, value)?);
            }
            "pkcs11provider" | "securitykeyprovider" | "include" => {
                found.push(unknown(&format!("loads what `{key}` names")));
            }
            _ => {}
        }
    }
    if values(rest, "-F").any(|file| file != "none" && file != "/dev/null") {
        found.push(unknown("runs what the configuration file of `-F` says"));
    }
    Ok(())
}

/// The command that these words are.
///
/// # Errors
/// As [`Work::spend`].
pub(super) fn of(work: &Work, words: &[Word]) -> Result<Command, String> {
    Ok(Command {
        words: work.copied(words)?,
        ..Command::default()
    })
}
