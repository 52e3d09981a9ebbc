//! Settings of `git` that make it run programs.

use super::transport;
use crate::validator::launch::unknown;
use crate::validator::shell::{self, Command, Word};
use crate::validator::work::Work;

/// Values of settings that run nothing that could be another program.
const HARMLESS: [&str; 12] = [
    "", "cat", "true", "false", "yes", "no", "on", "off", "0", "1", "always", "never",
];

/// `key=value`, as `-c` has it; a key alone is true.
pub(super) fn assigned(work: &Work, setting: &str, found: &mut Vec<Command>) -> Result<(), String> {
    match setting.split_once('=') {
        Some((key, value)) => setting_of(work, key, value, found),
        None => Ok(()),
    }
}

/// A setting whose value a variable holds.
pub(super) fn hidden(work: &Work, key: &str, found: &mut Vec<Command>) -> Result<(), String> {
    let mut run = Vec::new();
    setting_of(work, key, "!x", &mut run)?;
    if !run.is_empty() {
        found.push(unknown(&format!(
            "runs what a variable holds for the setting `{key}`"
        )));
    }
    Ok(())
}

/// What `git config` sets, `rest` being the words behind it. Options with a value may stand anywhere between a name and
/// its value, so each word counts as the value of each name before it.
pub(super) fn configured(
    work: &Work,
    rest: &[Word],
    found: &mut Vec<Command>,
) -> Result<(), String> {
    for (at, key) in rest.iter().enumerate() {
        if key.text.starts_with('-') || !key.text.contains('.') {
            continue;
        }
        for value in rest.get(at + 1..).unwrap_or_default() {
            work.spend(key.text.len())?;
            setting_of(work, &key.text, &value.text, found)?;
        }
    }
    Ok(())
}

/// What a setting makes git run, now or later.
pub(super) fn setting_of(
    work: &Work,
    key: &str,
    value: &str,
    found: &mut Vec<Command>,
) -> Result<(), String> {
    let key = key.to_lowercase();
    let (section, last) = (
        key.split('.').next().unwrap_or_default(),
        key.rsplit('.').next().unwrap_or_default(),
    );
    let value = value.trim();
    let elsewhere = || unknown(&format!("runs what `{key}` leads to"));
    // What is harmless as a program is a directory like others, or the very permission.
    let leads = match (section, last) {
        ("core", "hookspath") => !matches!(value, "" | "/dev/null"),
        ("init", "templatedir") | ("include" | "includeif", "path") => !value.is_empty(),
        ("protocol", "allow") => value != "never" && !is_plain_transport(&key),
        ("remote", "vcs") => true,
        ("url", _) => transport::is_helper(key.get(4..).unwrap_or_default()),
        _ => false,
    };
    if leads {
        found.push(elsewhere());
        return Ok(());
    }
    if matches!(section, "remote" | "submodule" | "branch" | "url") {
        transport::launched(work, value, found)?;
    }
    if HARMLESS.contains(&value.to_lowercase().as_str()) {
        return Ok(());
    }
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
        | ("hook", "command")
        | ("gc", "recentobjectshook")
        | ("help", "browser")
        | ("web", "browser")
        | ("instaweb", "httpd" | "browser")
        | ("sendemail", "sendmailcmd" | "tocmd" | "cccmd" | "headercmd" | "smtpserver") => {
            found.extend(shell::commands(work, value)?);
        }
        _ => {}
    }
    Ok(())
}

/// Whether the permission is for transports that run nothing that the line names.
fn is_plain_transport(key: &str) -> bool {
    let name = key.split('.').nth(1).unwrap_or_default();
    matches!(name, "file" | "git" | "http" | "https" | "ssh")
}
