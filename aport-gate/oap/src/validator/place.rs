//! Where a path lies: in a list of directories, among the system's own files.

use super::path::Path;
use super::secret::SECRET_PARTS;
use super::{Call, Failure, pattern};

/// Directories of the operating system.
const SYSTEM: [&str; 37] = [
    "/etc",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/boot",
    "/dev",
    "/proc",
    "/sys",
    "/root",
    "/run",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/share",
    "/usr/include",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/local/lib",
    "/var/lib",
    "/var/log",
    "/var/run",
    "/var/spool",
    "/var/db",
    "/private/etc",
    "/private/var/db",
    "/system",
    "/library",
    "/snap",
    "/nix/store",
    "/applications",
    "/usr/local/etc",
    "/usr/games",
    "/opt/homebrew/bin",
];
const WINDOWS_SYSTEM: [&str; 6] = [
    "/windows",
    "/program files",
    "/program files (x86)",
    "/programdata",
    "/system volume information",
    "/boot",
];

/// Files that run or grant something when they are written.
const CRITICAL_NAMES: [&str; 20] = [
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".gitconfig",
    ".gitmodules",
    "crontab",
    "autoexec.bat",
    "ntuser.dat",
    ".zlogout",
    ".kshrc",
    ".cshrc",
    ".tcshrc",
    ".xprofile",
    ".pam_environment",
];
const CRITICAL_PARTS: [&str; 8] = [
    "/.husky/",
    "/.git/hooks",
    "/.git/config",
    "/library/launch",
    "/.config/autostart",
    "/.config/systemd",
    "/.config/fish",
    "/start menu/programs/startup",
];

/// What of the path belongs to the system, if anything.
pub(super) fn system(path: &Path) -> Option<String> {
    for form in path.forms() {
        let bare = match form.split_once(":/") {
            Some((_, rest)) => format!("/{rest}"),
            None => form.clone(),
        };
        let dirs: &[&str] = if path.drive.is_some() {
            &WINDOWS_SYSTEM
        } else {
            &SYSTEM
        };
        if path.rooted
            && let Some(dir) = dirs.iter().find(|dir| under(&bare, dir))
        {
            return Some((*dir).to_owned());
        }
        if let Some(rest) = on_drive(&bare).filter(|_| path.rooted && path.drive.is_none())
            && let Some(dir) = WINDOWS_SYSTEM.iter().find(|dir| under(rest, dir))
        {
            return Some((*dir).to_owned());
        }
        let rooted = format!("/{}", bare.trim_start_matches('/'));
        if let Some(part) = CRITICAL_PARTS.iter().find(|part| rooted.contains(**part)) {
            return Some((*part).to_owned());
        }
        if runs_for_git(&rooted) {
            return Some("hooks or settings of Git".to_owned());
        }
    }
    let name = path.name().split(':').next().unwrap_or_default();
    CRITICAL_NAMES.contains(&name).then(|| name.to_owned())
}

/// The path on a drive of Windows as others spell it: `/mnt/c/…`, `/cygdrive/c/…`, `/c/…`.
fn on_drive(path: &str) -> Option<&str> {
    let rest = ["/mnt", "/cygdrive"]
        .iter()
        .find_map(|mount| {
            path.strip_prefix(mount)
                .filter(|rest| rest.starts_with('/'))
        })
        .unwrap_or(path);
    let rest = rest.strip_prefix('/')?;
    let letter = rest.starts_with(|c: char| c.is_ascii_alphabetic());
    rest.get(1..).filter(|rest| letter && rest.starts_with('/'))
}

/// Hooks and settings below `.git`, its short name on Windows, and a repository without a work tree.
fn runs_for_git(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    let own = segments
        .iter()
        .position(|segment| matches!(*segment, ".git" | "git~1"));
    let below = own
        .and_then(|at| segments.get(at + 1..))
        .unwrap_or_default();
    let means = |segment: &str| matches!(segment, "hooks" | "config" | "config.worktree");
    let bare = segments.windows(2).any(|pair| match pair {
        [first, second] => first.ends_with(".git") && means(second),
        _ => false,
    });
    let name = below.last().copied().unwrap_or_default();
    bare || below.contains(&"hooks") || means(name)
}

/// Directories of the system in which commands write as a matter of course.
const WRITTEN_OFTEN: [&str; 9] = [
    "/dev",
    "/root",
    "/run",
    "/var/run",
    "/var/log",
    "/var/lib",
    "/var/spool",
    "/usr/share",
    "/snap",
];
const KEY_PLACES: [&str; 4] = [".ssh", ".gnupg", "authorized_keys", "sudoers"];
const DEVICES: [&str; 7] = ["null", "zero", "full", "tty", "stdout", "stderr", "fd"];

/// What of the path lets a command take over a machine by writing there, if anything: keys, start-up files, hooks,
/// scheduled commands, the system's own programs and settings.
pub(super) fn takes_over(path: &Path) -> Option<String> {
    if let Some(what) = system(path)
        && !WRITTEN_OFTEN.contains(&what.as_str())
    {
        return Some(what);
    }
    for form in path.forms() {
        let rooted = format!("/{}", form.trim_start_matches('/'));
        let parts = SECRET_PARTS
            .iter()
            .take(4)
            .chain(&["/etc/cron", "/var/spool/cron"]);
        if let Some(part) = parts.into_iter().find(|part| rooted.starts_with(**part)) {
            return Some((*part).to_owned());
        }
        let mut segments = rooted.split('/').skip(1);
        if path.rooted && path.drive.is_none() && rooted.starts_with("/dev/") {
            segments.next();
            let device = segments.next().unwrap_or_default();
            return (!DEVICES.contains(&device)).then(|| "/dev".to_owned());
        }
        if let Some(key) = segments.find(|segment| KEY_PLACES.contains(segment)) {
            return Some(key.to_owned());
        }
    }
    None
}

/// Whether a path is the directory or lies in it.
pub(super) fn under(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether an entry of an allowlist covers the path: itself and what lies in it. A relative entry may stand
/// anywhere in the path; `*` alone covers everything.
pub(super) fn covers(call: &Call<'_>, entry: &str, path: &Path) -> Result<bool, Failure> {
    let entry = entry.trim();
    if matches!(entry, "*" | "**" | "/**" | "**/*") {
        return Ok(true);
    }
    // An entry that is no path of its own (`..` in it) covers nothing.
    let Ok(allowed) = Path::read("entry", entry) else {
        return Ok(false);
    };
    let (text, entry) = (path.text(), allowed.text());
    call.spend(text.len() + entry.len())?;
    if allowed.segments.is_empty() {
        return Ok(if allowed.rooted {
            path.rooted && path.drive == allowed.drive
        } else {
            // `.` is wherever the tool runs.
            !path.rooted
        });
    }
    if allowed.rooted && !path.rooted {
        return Ok(false);
    }
    if pattern::is_wild(&entry) {
        // `/tmp/*` covers what lies in it at any depth, as the prefix rule of the published packs does.
        let tail = if entry.ends_with('*') {
            entry
        } else {
            format!("{entry}*")
        };
        return Ok(pattern::wild(call, &tail, &text)?
            || (!allowed.rooted && pattern::wild(call, &format!("*{tail}"), &text)?));
    }
    if allowed.rooted {
        return Ok(under(&text, &entry));
    }
    let (text, part) = (
        format!("/{}/", text.trim_start_matches('/')),
        format!("/{entry}/"),
    );
    // `.md` is an ending, `docs` a directory or file anywhere.
    Ok(text.contains(&part) || (entry.starts_with('.') && path.name().ends_with(&entry)))
}

/// Whether an entry of a blocklist is about the path, in whatever sense it can have.
pub(super) fn is_blocked(call: &Call<'_>, entry: &str, path: &Path) -> Result<bool, Failure> {
    let plain = entry.trim().replace('\\', "/").to_lowercase();
    for form in path.forms() {
        let rooted = format!("/{}", form.trim_start_matches('/'));
        if pattern::found(call, entry, &form, &form)?
            || pattern::found(call, &plain, &rooted, &rooted)?
        {
            return Ok(true);
        }
        // `/etc/` blocks `/etc` itself.
        if plain.ends_with('/') && rooted.ends_with(plain.trim_end_matches('/')) {
            return Ok(true);
        }
        if pattern::is_wild(&plain) {
            let bare = plain.trim_start_matches("**/").trim_start_matches("./");
            let bare = bare
                .strip_prefix('~')
                .map_or(bare, |rest| rest.trim_start_matches('/'));
            let bare = bare.trim_start_matches('/');
            let anchored = plain.starts_with('/') && !plain.starts_with("/**");
            for wild in [bare.to_owned(), format!("{bare}/*")] {
                let whole = pattern::wild(call, &format!("/{wild}"), &rooted)?;
                if whole || (!anchored && pattern::wild(call, &format!("*/{wild}"), &rooted)?) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}
