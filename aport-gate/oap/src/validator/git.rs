//! What `git` runs because its command line says so: settings, helpers, hooks, transports, and subcommands that take
//! a command.

use super::launch::{of, unknown};
use super::options::{bundled, values};
use super::shell::{self, Command, Word};
use super::work::Work;

/// Values of settings that run nothing that could be another program.
const HARMLESS: [&str; 12] = [
    "", "cat", "true", "false", "yes", "no", "on", "off", "0", "1", "always", "never",
];

/// Options of subcommands whose value is a command line.
const OPTIONS: [(&str, &[&str]); 16] = [
    ("rebase", &["-x", "--exec"]),
    ("difftool", &["-x", "--extcmd"]),
    ("clone", &["-u", "--upload-pack"]),
    ("fetch", &["--upload-pack"]),
    ("pull", &["--upload-pack"]),
    ("fetch-pack", &["--upload-pack", "--exec"]),
    ("ls-remote", &["--upload-pack", "--exec"]),
    ("push", &["--receive-pack", "--exec"]),
    ("send-pack", &["--receive-pack", "--exec"]),
    ("archive", &["--exec"]),
    ("grep", &["-O", "--open-files-in-pager"]),
    (
        "filter-branch",
        &[
            "--setup",
            "--subdirectory-filter",
            "--env-filter",
            "--tree-filter",
            "--index-filter",
            "--parent-filter",
            "--msg-filter",
            "--commit-filter",
            "--tag-name-filter",
        ],
    ),
    (
        "send-email",
        &["--sendmail-cmd", "--to-cmd", "--cc-cmd", "--header-cmd"],
    ),
    ("instaweb", &["--httpd", "--browser"]),
    ("web--browse", &["--browser"]),
    ("shell", &["-c"]),
];

/// Their letters in a bundle (`-ix id`), and the letters that take the rest of a bundle themselves.
const BUNDLED: [(&str, char, &str); 4] = [
    ("rebase", 'x', "sXSrC"),
    ("difftool", 'x', "t"),
    ("clone", 'u', "objc"),
    ("grep", 'O', "ABCefm"),
];

/// Options before the subcommand that take a value.
const GLOBAL: [&str; 6] = [
    "-C",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--super-prefix",
    "--attr-source",
];

/// The programs, `rest` being the words after `git`.
///
/// # Errors
/// As [`shell::commands`].
pub(super) fn launched(work: &Work, rest: &[Word]) -> Result<Vec<Command>, String> {
    let mut found = Vec::new();
    let mut at = 0;
    let text = |at: usize| rest.get(at).map(|word| word.text.as_str());
    while let Some(word) = text(at).filter(|word| word.starts_with('-')) {
        if word == "-c" {
            assigned(work, text(at + 1).unwrap_or_default(), &mut found)?;
            at += 1;
        } else if let Some(setting) = word.strip_prefix("--config-env=") {
            let key = setting.rsplit_once('=').map_or(setting, |(key, _)| key);
            setting_of(work, key, "$", &mut found)?;
        } else if word == "--config-env" {
            let setting = text(at + 1).unwrap_or_default();
            let key = setting.rsplit_once('=').map_or(setting, |(key, _)| key);
            setting_of(work, key, "$", &mut found)?;
            at += 1;
        } else if word.starts_with("--exec-path=") {
            found.push(unknown(
                "runs the programs of the directory in `--exec-path`",
            ));
        } else if GLOBAL.contains(&word) {
            at += 1;
        }
        at += 1;
    }
    let subcommand = text(at).unwrap_or_default();
    let after = rest.get(at + 1..).unwrap_or_default();
    if let Some((_, options)) = OPTIONS.iter().find(|(known, _)| *known == subcommand) {
        for value in options.iter().flat_map(|option| values(after, option)) {
            work.spend(after.len())?;
            // `git grep -O` alone opens the usual pager, and what follows is a pattern or a file.
            let own = subcommand == "grep" && after.iter().any(|word| word.text == value);
            if !own {
                found.extend(shell::commands(work, value)?);
            }
        }
    }
    let bundles = BUNDLED.iter().filter(|(known, ..)| *known == subcommand);
    for (_, letter, taking) in bundles {
        for value in bundled(after, *letter, taking) {
            found.extend(shell::commands(work, value)?);
        }
    }
    for word in after {
        if let Some(script) = word.text.strip_prefix("ext::") {
            found.extend(shell::commands(work, script)?);
        }
    }
    let is_option = |word: &&Word| word.text.starts_with('-');
    let mut plain = after.iter().filter(|word| !is_option(word));
    let past = |name: &str| {
        let at = after.iter().position(|word| word.text == name);
        let words = at.and_then(|at| after.get(at + 1..)).unwrap_or_default();
        let first = words.iter().position(|word| !is_option(&word));
        first
            .and_then(|first| words.get(first..))
            .unwrap_or_default()
    };
    match subcommand {
        "submodule" if plain.next().is_some_and(|word| word.text == "foreach") => {
            let words: Vec<&str> = past("foreach")
                .iter()
                .map(|word| word.text.as_str())
                .collect();
            found.extend(shell::commands(work, &words.join(" "))?);
        }
        "bisect" if plain.next().is_some_and(|word| word.text == "run") => {
            found.push(of(work, past("run"))?);
        }
        "config" => {
            let mut plain = plain.map(|word| word.text.as_str());
            let key = plain.find(|word| word.contains('.'));
            if let (Some(key), Some(value)) = (key, plain.next()) {
                setting_of(work, key, value, &mut found)?;
            }
        }
        "clone" | "init" => {
            for option in ["-c", "--config"] {
                for setting in values(after, option).filter(|_| subcommand == "clone") {
                    assigned(work, setting, &mut found)?;
                }
            }
            if values(after, "--template").any(|directory| !directory.is_empty()) {
                found.push(unknown("runs the hooks of the directory in `--template`"));
            }
        }
        _ => {}
    }
    Ok(found)
}

/// `key=value`, as `-c` has it; a key alone is true.
fn assigned(work: &Work, setting: &str, found: &mut Vec<Command>) -> Result<(), String> {
    match setting.split_once('=') {
        Some((key, value)) => setting_of(work, key, value, found),
        None => Ok(()),
    }
}

/// What a setting makes git run, now or later.
fn setting_of(work: &Work, key: &str, value: &str, found: &mut Vec<Command>) -> Result<(), String> {
    let key = key.to_lowercase();
    let (section, last) = (
        key.split('.').next().unwrap_or_default(),
        key.rsplit('.').next().unwrap_or_default(),
    );
    let value = value.trim();
    if HARMLESS.contains(&value.to_lowercase().as_str()) {
        return Ok(());
    }
    let elsewhere = || unknown(&format!("runs what `{key}` leads to"));
    match (section, last) {
        ("alias", _) => found.extend(match value.strip_prefix('!') {
            Some(script) => shell::commands(work, script)?,
            None => shell::commands(work, &format!("git {value}"))?,
        }),
        // A name means a helper of git's own; a path or a script means itself.
        ("credential", "helper") | ("submodule", "update") => {
            if let Some(script) = value.strip_prefix('!') {
                found.extend(shell::commands(work, script)?);
            } else if value.contains(['/', '\\', '$']) {
                found.extend(shell::commands(work, value)?);
            }
        }
        ("core", "hookspath")
        | ("init", "templatedir")
        | ("include" | "includeif", "path")
        | ("protocol", "allow") => found.push(elsewhere()),
        ("url", _) if key.contains("ext::") => found.push(elsewhere()),
        ("pager", _)
        | (
            "core",
            "pager"
            | "editor"
            | "sshcommand"
            | "askpass"
            | "fsmonitor"
            | "gitproxy"
            | "alternaterefscommand",
        )
        | ("sequence", "editor")
        | ("diff", "external" | "command" | "textconv")
        | ("difftool" | "mergetool" | "browser" | "man" | "guitool", "cmd" | "path")
        | ("merge", "driver")
        | ("filter", "clean" | "smudge" | "process")
        | ("gpg", "program" | "defaultkeycommand")
        | ("interactive", "difffilter")
        | ("uploadpack", "packobjectshook")
        | ("remote", "uploadpack" | "receivepack")
        | ("trailer", "command" | "cmd")
        | ("tar", "command")
        | ("imap", "tunnel")
        | ("web", "browser")
        | ("instaweb", "httpd" | "browser")
        | ("sendemail", "sendmailcmd" | "tocmd" | "cccmd" | "headercmd" | "smtpserver") => {
            found.extend(shell::commands(work, value)?);
        }
        _ => {}
    }
    Ok(())
}
