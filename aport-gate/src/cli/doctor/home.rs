//! The home: its folders and packs.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::{Check, passports};
use crate::cli::environment::Environment;
use crate::cli::next_step;
use crate::cli::output::counted;
use crate::packs::PackSet;
use crate::signing::SigningKeys;

const NEXT_KEY: &str = "put the file back from a copy; where there is none, take it out of the folder: what it signed \
                        can be verified by a published key only";

pub(super) fn checks(environment: &Environment) -> Vec<Check> {
    let mut checks = vec![folder(environment)];
    for part in ["passports", "packs", "keys"] {
        let path = environment.home.join(part);
        if path.exists() {
            checks.extend(open_to_others(&path));
        }
    }
    checks.extend(keys(environment));
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
    match room(home) {
        Err(check) => check("home"),
        Ok(()) => open_to_others(home).unwrap_or_else(|| Check::good("home", format!("`{place}`"))),
    }
}

/// Whether something can be kept in the folder. Permissions do not tell: quotas, read-only mounts, full disks.
pub(super) fn room(folder: &Path) -> Result<(), impl FnOnce(&str) -> Check> {
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::File::create_new(&probe).and_then(|mut file| {
        file.write_all(&[0; 64 * 1024])?;
        file.sync_all()
    });
    let _ = std::fs::remove_file(&probe);
    let place = folder.display().to_string();
    written.map_err(|error| {
        move |subject: &str| {
            let next = match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "free some of its disk, or of its quota: until then every call is refused"
                }
                _ => "make it writable for the user that runs the server",
            };
            Check::bad(subject, format!("`{place}` cannot be written: {error}")).next(next)
        }
    })
}

/// The keys that sign decisions.
fn keys(environment: &Environment) -> Option<Check> {
    let place = environment.home.join("keys");
    match SigningKeys::existing(&place) {
        Err(error) if environment.signs => {
            Some(Check::bad("keys", format!("{error}; no server starts")).next(NEXT_KEY))
        }
        Err(error) => Some(Check::doubtful("keys", error.to_string()).next(NEXT_KEY)),
        Ok(None) if environment.signs => {
            let found = format!(
                "there is none in `{}` yet; a server makes it",
                place.display()
            );
            Some(Check::good("keys", found))
        }
        Ok(None) => None,
        Ok(Some(_)) => Some(Check::good(
            "keys",
            format!("those in `{}` can be used", place.display()),
        )),
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
            let next = next_step::after(&error);
            let found =
                format!("{error}; no server starts, and those that run keep their last good packs");
            return vec![Check::bad("packs", found).next(next)];
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
