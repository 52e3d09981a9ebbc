//! Commands that destroy a machine or give it away, whatever a passport says about patterns.

use super::respelled::{Flag, flags};
use super::script::is_shell;
use super::shell::Command;
use super::wrapper::{program, without_assignments};

/// Text that no command of an agent needs.
pub(super) const HARMFUL: [&str; 16] = [
    ":(){",
    "/dev/tcp/",
    "/dev/udp/",
    "> /dev/sd",
    ">/dev/sd",
    "> /dev/nvme",
    ">/dev/nvme",
    "of=/dev/sd",
    "of=/dev/nvme",
    "of=/dev/disk",
    "/etc/shadow",
    "/etc/sudoers",
    "--no-preserve-root",
    "vssadmin delete",
    "-encodedcommand",
    "/proc/self/environ",
];

/// Programs that destroy or take over a machine. An allowlist may name one of them.
const HARMFUL_PROGRAMS: [&str; 20] = [
    "mkfs", "fdisk", "sfdisk", "parted", "wipefs", "shred", "shutdown", "reboot", "halt",
    "poweroff", "sudo", "doas", "su", "pkexec", "visudo", "useradd", "usermod", "insmod", "format",
    "diskpart",
];

/// Programs that fetch from elsewhere, and those that run what they are fed.
const FETCHERS: [&str; 6] = ["curl", "wget", "fetch", "nc", "ncat", "invoke-webrequest"];
const DECODERS: [&str; 4] = ["base64", "xxd", "openssl", "base32"];
const RUNNERS: [&str; 10] = [
    "python",
    "python3",
    "perl",
    "ruby",
    "node",
    "php",
    "eval",
    "source",
    "iex",
    "invoke-expression",
];

/// Harm that no pattern has to name.
pub(super) fn harm(
    command: &Command,
    before: Option<&Command>,
    allowed: &[&str],
) -> Option<String> {
    let words = without_assignments(&command.words);
    let (first, rest) = words.split_first()?;
    let name = program(&first.text);
    let base = name.split('.').next().unwrap_or_default();
    let named = allowed
        .iter()
        .any(|entry| entry.split_whitespace().next() == Some(base));
    if HARMFUL_PROGRAMS.contains(&base) && !named {
        return Some(format!("runs `{base}`"));
    }
    let texts: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
    let given = flags(&texts);
    let has = |letter: char| Flag::Letter(letter).is_in(&given);
    let wide = |text: &&&str| {
        let bare = text.trim_end_matches('*').trim_end_matches('/');
        !text.starts_with('-')
            && (bare.is_empty()
                || matches!(bare, "~" | "$HOME" | "${HOME}" | "." | "..")
                || (bare.starts_with('/') && bare.matches('/').count() == 1)
                || bare.ends_with(':'))
    };
    if matches!(
        base,
        "rm" | "chmod" | "chown" | "del" | "rd" | "remove-item"
    ) && has('r')
        && let Some(operand) = texts.iter().find(wide)
    {
        return Some(format!("runs `{base}` on all of `{operand}`"));
    }
    let feeds =
        before.map(|before| program(before.words.first().map_or("", |word| word.text.as_str())));
    if command.piped
        && (is_shell(base) || RUNNERS.contains(&base))
        && feeds.is_some_and(|feeds| {
            FETCHERS.contains(&feeds.as_str()) || DECODERS.contains(&feeds.as_str())
        })
    {
        return Some(format!("feeds what it fetched or decoded to `{base}`"));
    }
    if matches!(base, "nc" | "ncat" | "netcat")
        && (has('e') || has('c') || Flag::Long("exec".to_owned()).is_in(&given))
    {
        return Some(format!("opens a shell to others with `{base}`"));
    }
    None
}
