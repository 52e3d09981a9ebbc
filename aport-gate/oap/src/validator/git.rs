//! What `git` runs because its command line says so: settings, helpers, hooks, transports, and subcommands that take
//! a command.

mod setting;
mod transport;

use self::setting::{assigned, configured, hidden};
use super::launch::{of, unknown};
use super::options::{bundled, values};
use super::shell::{self, Command, Word};
use super::work::Work;

/// Options of subcommands whose value is a command line.
const OPTIONS: [(&str, &[&str]); 17] = [
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
    ("daemon", &["--access-hook"]),
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
            let setting = text(at + 1).unwrap_or_default();
            let key = setting.split('=').next().unwrap_or_default();
            if key.contains('$') && rest.get(at + 1).is_some_and(|word| word.dynamic) {
                found.push(unknown(
                    "changes a setting of which only a variable knows the name",
                ));
            }
            assigned(work, setting, &mut found)?;
            at += 1;
        } else if let Some(setting) = word.strip_prefix("--config-env=") {
            let key = setting.rsplit_once('=').map_or(setting, |(key, _)| key);
            hidden(work, key, &mut found)?;
        } else if word == "--config-env" {
            let setting = text(at + 1).unwrap_or_default();
            let key = setting.rsplit_once('=').map_or(setting, |(key, _)| key);
            hidden(work, key, &mut found)?;
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
        transport::of_word(work, subcommand, &word.text, &mut found)?;
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
        // What speaks to a program that its words name.
        helper if helper.starts_with("remote-") => {
            found.push(unknown(&format!("runs what `git {helper}` speaks to")));
        }
        "merge-index" => {
            let from = after.iter().position(|word| !is_option(&word));
            let words = after.get(from.unwrap_or(after.len())..);
            found.push(of(work, words.unwrap_or_default())?);
        }
        "submodule" | "submodule--helper"
            if plain.next().is_some_and(|word| word.text == "foreach") =>
        {
            let words: Vec<&str> = past("foreach")
                .iter()
                .map(|word| word.text.as_str())
                .collect();
            found.extend(shell::commands(work, &words.join(" "))?);
        }
        "bisect" if plain.next().is_some_and(|word| word.text == "run") => {
            found.push(of(work, past("run"))?);
        }
        "config" => configured(work, after, &mut found)?,
        "for-each-repo" => {
            let mut from = 0;
            while let Some(word) = after.get(from).map(|word| word.text.as_str()) {
                match word {
                    "--config" => from += 2,
                    "--keep-going" | "--no-keep-going" => from += 1,
                    _ if word.starts_with("--config=") => from += 1,
                    "--" => {
                        from += 1;
                        break;
                    }
                    _ => break,
                }
            }
            let words = after.get(from..).unwrap_or_default();
            let git = Word {
                text: "git".to_owned(),
                ..Word::default()
            };
            let mut command = of(work, words)?;
            command.words.insert(0, git);
            found.push(command);
        }
        "send-email" => {
            // A path is a program, and others are hosts.
            for server in values(after, "--smtp-server").filter(|server| server.contains('/')) {
                found.extend(shell::commands(work, server)?);
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

/// Whether the words, those behind `git`, give a subcommand another name, under which no pattern finds it.
pub(super) fn names_alias(rest: &[Word]) -> bool {
    let lower: Vec<String> = rest.iter().map(|word| word.text.to_lowercase()).collect();
    let renames = lower.iter().any(|word| word.contains("rename-section"));
    lower.iter().enumerate().any(|(at, word)| {
        let value = word.rsplit_once("=alias.").map(|_| true);
        let begins = word.starts_with("alias.");
        // `git config alias.x` alone says what it is.
        let follows = lower.get(at + 1..).unwrap_or_default();
        let set = word.contains('=') || follows.iter().any(|word| !word.starts_with('-'));
        value.unwrap_or(begins && set) || (renames && word == "alias")
    })
}
