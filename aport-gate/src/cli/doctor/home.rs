//! The home: its folders and packs.

use std::path::Path;

use super::{Check, passports};
use crate::cli::environment::Environment;
use crate::cli::output::counted;
use crate::packs::PackSet;

pub(super) fn checks(environment: &Environment) -> Vec<Check> {
    let mut checks = vec![folder(environment)];
    for part in ["passports", "packs", "keys"] {
        let path = environment.home.join(part);
        if path.exists() {
            checks.extend(open_to_others(&path));
        }
    }
    let packs = PackSet::from_home(&environment.home);
    // In registry mode the registry has them.
    if !environment.asks_a_registry() {
        checks.extend(passports::checks(environment, packs.as_ref().ok()));
    }
    checks.extend(judged(packs));
    checks
}

fn folder(environment: &Environment) -> Check {
    let home = &environment.home;
    let place = home.display();
    if !home.exists() {
        let found = format!("`{place}` is not there yet; a server makes it");
        if environment.asks_a_registry() {
            return Check::good("home", found);
        }
        return Check::doubtful("home", found)
            .next("issue a passport with `aport-gate passport issue`, or correct APORT_HOME");
    }
    if !home.is_dir() {
        return Check::bad("home", format!("`{place}` is no folder")).next("correct APORT_HOME");
    }
    // Asking for permissions does not tell whether a file can be made: quotas, read-only mounts.
    let probe = home.join(format!(".doctor-{}", std::process::id()));
    match std::fs::write(&probe, b"") {
        Err(error) => Check::bad("home", format!("`{place}` cannot be written: {error}"))
            .next("make it writable for the user that runs the server"),
        Ok(()) => {
            let _ = std::fs::remove_file(&probe);
            open_to_others(home).unwrap_or_else(|| Check::good("home", format!("`{place}`")))
        }
    }
}

/// Warns of a folder that others may read or write: who writes there decides.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<Check> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let place = path.display();
    if mode & 0o022 != 0 {
        let found = format!(
            "`{place}` can be written by others (mode {:o}): they can issue passports and packs",
            mode & 0o777
        );
        return Some(Check::bad("permissions", found).next(format!("chmod go-rwx {place}")));
    }
    (mode & 0o077 != 0).then(|| {
        let found = format!("`{place}` can be read by others (mode {:o})", mode & 0o777);
        Check::doubtful("permissions", found).next(format!("chmod go-rwx {place}"))
    })
}

/// Windows has access lists, which a per-user folder inherits from its user.
#[cfg(not(unix))]
fn open_to_others(_path: &Path) -> Option<Check> {
    None
}

fn judged(packs: crate::Result<PackSet>) -> Vec<Check> {
    let packs = match packs {
        Ok(packs) => packs,
        Err(error) => {
            return vec![
                Check::bad(
                    "packs",
                    format!(
                        "{error}; no server starts, and those that run keep their last good packs"
                    ),
                )
                .next("aport-gate policy check FILE"),
            ];
        }
    };
    let mut checks = vec![Check::good("packs", counted(packs.iter().count(), "pack"))];
    for loaded in packs.iter() {
        let id = loaded.pack().id();
        for problem in loaded.pack().problems() {
            let found = format!(
                "`{id}` denies every call: rule `{}` cannot be evaluated: {}",
                problem.rule, problem.message
            );
            checks.push(
                Check::doubtful("pack", found)
                    .next("correct the rule, or waive it in pack-options.json"),
            );
        }
        let waived = loaded
            .operator_options()
            .map(|options| options.waived_rules.join(", "))
            .filter(|rules| !rules.is_empty());
        if let Some(rules) = waived {
            checks.push(Check::doubtful(
                "pack",
                format!("`{id}` is weakened: waived {rules}"),
            ));
        }
    }
    checks
}
