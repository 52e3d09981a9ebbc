//! Files that hold secrets, by their names and places.

use super::path::Path;

/// File and directory names that hold secrets.
const SECRET_NAMES: [&str; 33] = [
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
    "id_ed25519_sk",
    "id_ecdsa_sk",
    "login data",
];

/// Endings of key files.
const SECRET_ENDINGS: [&str; 11] = [
    ".pem",
    ".key",
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".kdbx",
    ".ppk",
    ".keychain",
    ".keytab",
    ".tfstate",
];

/// Endings of copies, which hold what the file holds.
const COPIES: [&str; 6] = ["~", ".bak", ".old", ".orig", ".save", ".backup"];

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
pub(super) const SECRET_PARTS: [&str; 10] = [
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/passwd",
    "/etc/sudoers",
    "/.docker/config.json",
    "/.config/gcloud",
    "/.config/gh/hosts.yml",
    "/windows/system32/config",
    "/etc/ssl/private",
    "/run/secrets",
];

/// Files of `/proc` that lead out of it or show the environment of a process.
const PROC_NAMES: [&str; 7] = ["environ", "root", "cwd", "fd", "mem", "maps", "task"];

/// What of the path is a secret, if anything.
pub(super) fn secret(path: &Path) -> Option<String> {
    for form in path.forms() {
        let rooted = format!("/{}", form.trim_start_matches('/'));
        let segments: Vec<&str> = rooted.split('/').filter(|part| !part.is_empty()).collect();
        for segment in &segments {
            let bare = original(segment);
            if is_environment(bare) || SECRET_NAMES.contains(&bare) {
                return Some((*segment).to_owned());
            }
        }
        let name = original(segments.last().copied().unwrap_or_default());
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

/// The name without what marks a copy.
fn original(name: &str) -> &str {
    let bare = COPIES.iter().find_map(|ending| name.strip_suffix(ending));
    bare.filter(|bare| !bare.is_empty()).unwrap_or(name)
}

/// `.env.local`, `.env-production`, `prod.env`; not those that are there to be copied.
fn is_environment(name: &str) -> bool {
    let template = |kind: &str| ["example", "sample", "template", "dist"].contains(&kind);
    let kind = name
        .strip_prefix(".env")
        .and_then(|rest| rest.strip_prefix(['.', '-', '_']));
    let stem = name.strip_suffix(".env").filter(|stem| !stem.is_empty());
    kind.or(stem).is_some_and(|kind| !template(kind))
}

fn holds(path: &str, part: &str) -> bool {
    path.find(part).is_some_and(|at| {
        let after = path.get(at + part.len()..).unwrap_or_default();
        after.is_empty() || after.starts_with(['/', '-', '.', ':'])
    })
}
