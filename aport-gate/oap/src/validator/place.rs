//! Where a path lies: in a list of directories, among secrets, among the system's own files.

use super::path::Path;
use super::{Call, Failure, pattern};

/// File and directory names that hold secrets.
const SECRET_NAMES: [&str; 30] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".env",
    ".envrc",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    ".vault-token",
    ".dockercfg",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "authorized_keys",
    "credentials",
    "shadow-",
    "application_default_credentials.json",
    "wallet.dat",
    "ssh_host_rsa_key",
    "ssh_host_ed25519_key",
    "ssh_host_ecdsa_key",
    "login.keychain-db",
];

/// Endings of key files.
const SECRET_ENDINGS: [&str; 9] = [
    ".pem",
    ".key",
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".kdbx",
    ".ppk",
    ".keychain",
];

/// Files with these stems hold secrets when they are data, not code.
const SECRET_STEMS: [&str; 5] = [
    "credentials",
    "secrets",
    "secret",
    "service-account",
    "serviceaccount",
];
const DATA_ENDINGS: [&str; 11] = [
    "json",
    "yml",
    "yaml",
    "toml",
    "ini",
    "env",
    "xml",
    "properties",
    "txt",
    "csv",
    "enc",
];

/// Parts of paths that hold secrets.
const SECRET_PARTS: [&str; 9] = [
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/passwd",
    "/etc/sudoers",
    "/.docker/config.json",
    "/.config/gcloud",
    "/.config/gh/hosts.yml",
    "/windows/system32/config",
    "/etc/ssl/private",
];

/// Files of `/proc` that lead out of it or show the environment of a process.
const PROC_NAMES: [&str; 7] = ["environ", "root", "cwd", "fd", "mem", "maps", "task"];

/// Directories of the operating system.
const SYSTEM: [&str; 34] = [
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
const CRITICAL_NAMES: [&str; 14] = [
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
];
const CRITICAL_PARTS: [&str; 6] = [
    "/.git/hooks",
    "/.git/config",
    "/library/launch",
    "/.config/autostart",
    "/.config/systemd",
    "/start menu/programs/startup",
];

/// What of the path is a secret, if anything.
pub(super) fn secret(path: &Path) -> Option<String> {
    for form in path.forms() {
        let rooted = format!("/{}", form.trim_start_matches('/'));
        let segments: Vec<&str> = rooted.split('/').filter(|part| !part.is_empty()).collect();
        for segment in &segments {
            let template = ["example", "sample", "template", "dist"];
            let env = segment
                .strip_prefix(".env.")
                .is_some_and(|kind| !template.contains(&kind));
            if env || SECRET_NAMES.contains(segment) {
                return Some((*segment).to_owned());
            }
        }
        let name = segments.last().copied().unwrap_or_default();
        if let Some(ending) = SECRET_ENDINGS
            .iter()
            .find(|ending| name.ends_with(**ending))
        {
            return Some((*ending).to_owned());
        }
        if let Some((stem, ending)) = name.split_once('.')
            && DATA_ENDINGS.contains(&ending)
            && SECRET_STEMS.contains(&stem)
        {
            return Some(name.to_owned());
        }
        if let Some(part) = SECRET_PARTS.iter().find(|part| holds(&rooted, part)) {
            return Some((*part).to_owned());
        }
        if segments.first() == Some(&"proc")
            && segments.iter().any(|segment| PROC_NAMES.contains(segment))
        {
            return Some("/proc".to_owned());
        }
    }
    None
}

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
        let rooted = format!("/{}", bare.trim_start_matches('/'));
        if let Some(part) = CRITICAL_PARTS.iter().find(|part| rooted.contains(**part)) {
            return Some((*part).to_owned());
        }
    }
    let name = path.name().split(':').next().unwrap_or_default();
    CRITICAL_NAMES.contains(&name).then(|| name.to_owned())
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

fn holds(path: &str, part: &str) -> bool {
    path.find(part).is_some_and(|at| {
        let after = path.get(at + part.len()..).unwrap_or_default();
        after.is_empty() || after.starts_with(['/', '-', '.', ':'])
    })
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
